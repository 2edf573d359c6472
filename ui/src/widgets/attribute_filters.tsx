// Conditions on attributes as removable chips, and a field to add one.
import { useState } from 'preact/hooks';
import { fields } from '../api/vedette';
import { useQuery } from '../base/query';
import { params, setParams } from '../base/router';
import { range } from '../base/time_range';
import { Icon } from './icon';

export const attributeConditions = () => params.value.getAll('attr');

/** A condition as docs/api.md writes it, or null where it is none. */
export function condition(text: string): string | null {
  const trimmed = text.trim();
  const shape = /^!?[^\s=!<>~]+(\s*(=~|!~|!=|>=|<=|=|>|<)\s*.*)?$/;
  if (!shape.test(trimmed)) return null;
  return trimmed.replace(/\s*(=~|!~|!=|>=|<=|=|>|<)\s*/, '$1');
}

export function AttributeFilters({ table }: { table: 'spans' | 'logs' }) {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const chosen = attributeConditions();
  // Keys change rarely: asked once per hour of the range, not at every refresh.
  const { from, to } = range.value;
  const hour = Math.floor(to / 3600);
  const known = useQuery(`${table} ${to - from} ${hour}`, 0, (abort) =>
    fields(table, from, to, abort),
  );
  const add = () => {
    if (!text.trim()) return;
    const made = condition(text);
    setWrong(made == null);
    if (made == null) return;
    setParams({ attr: [...chosen.filter((one) => one !== made), made] });
    setText('');
  };
  return (
    <>
      <input
        class={`field filter-attr ${wrong ? 'field-wrong' : ''}`}
        list={`fields-${table}`}
        placeholder="attribute=value"
        aria-label="Add a condition on an attribute, such as http.route=/orders"
        title="key=value, key!=value, key>=500, key=~expression, key (is there), !key (is not); Enter adds it"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setWrong(false);
        }}
        onKeyDown={(event) => event.key === 'Enter' && add()}
        onBlur={() => text.includes('=') && add()}
      />
      <datalist id={`fields-${table}`}>
        {(known.data ?? []).map((name) => (
          <option key={name} value={`${name}=`} />
        ))}
      </datalist>
      {chosen.map((one) => (
        <span class="chip" key={one}>
          {one}
          <button
            class="icon-button"
            aria-label={`Remove ${one}`}
            onClick={() => setParams({ attr: chosen.filter((other) => other !== one) })}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
    </>
  );
}
