// Attributes of a span, a log record or a resource: key, value, and a click to look for the same.
import type { Attributes, Json } from '../api/vedette';

export function valueText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface Props {
  attributes: Attributes;
  /** Where a click on a value leads, if anywhere. */
  search?: (condition: string) => string;
}

export function AttributeList({ attributes, search }: Props) {
  const keys = Object.keys(attributes).sort();
  if (!keys.length) return <p class="muted small">None.</p>;
  return (
    <dl class="attributes">
      {keys.map((key) => {
        const text = valueText(attributes[key]!);
        const long = text.includes('\n');
        const simple = typeof attributes[key] !== 'object';
        return (
          <div key={key}>
            <dt>
              {key.split('.').map((part, i) => (
                <>
                  {i > 0 && '.'}
                  {i > 0 && <wbr />}
                  {part}
                </>
              ))}
            </dt>
            <dd>
              {long ? <pre>{text}</pre> : text}
              {search && simple && !long && (
                <a class="find" href={search(`${key}=${text}`)} title="Find others with this value">
                  find
                </a>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
