// Dark and light: the system's choice until one is made here.
import { computed, effect, signal } from '@preact/signals';

export type Theme = 'light' | 'dark';
const kKey = 'vedette-theme';

function stored(): Theme | null {
  try {
    const value = localStorage.getItem(kKey);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null; // storage is forbidden: the choice lasts as long as the page
  }
}

const chosen = signal<Theme | null>(null);
const system = signal<Theme>('light');
export const theme = computed<Theme>(() => chosen.value ?? system.value);

export function toggleTheme(): void {
  const next: Theme = theme.value === 'dark' ? 'light' : 'dark';
  chosen.value = next === system.value ? null : next;
  try {
    if (chosen.value) localStorage.setItem(kKey, chosen.value);
    else localStorage.removeItem(kKey);
  } catch {
    // see stored()
  }
}

export function startTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  system.value = dark.matches ? 'dark' : 'light';
  dark.addEventListener('change', () => (system.value = dark.matches ? 'dark' : 'light'));
  chosen.value = stored();
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}

/** The value of a CSS custom property now; canvas code re-reads it when the theme changes. */
export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
