import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: {
      'max-lines': ['error', 500],
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Data never becomes markup: render nodes.' },
        { property: 'outerHTML', message: 'Data never becomes markup: render nodes.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: 'Data never becomes markup: render nodes.',
        },
      ],
    },
  },
);
