// The bar above each page: its name, the service, the time range, live or not.
import { chooseService, service, serviceNames } from '../api/context';
import { choosePreset, kPresets, live, presetId, rangeLabel } from '../base/time_range';
import { Icon } from './icon';

export function TopBar({ title }: { title: string }) {
  return (
    <header class="topbar">
      <h1>{title}</h1>
      <span class="spacer" />
      <ServiceFilter />
      {presetId.value == null && (
        <span class="chip">
          {rangeLabel.value}
          <button
            class="icon-button"
            title="Back to a moving range"
            aria-label="Leave the chosen time range"
            onClick={() => choosePreset('15m')}
          >
            <Icon name="close" />
          </button>
        </span>
      )}
      <div class="segmented" role="group" aria-label="Time range">
        {kPresets.map((preset) => (
          <button
            key={preset.id}
            aria-pressed={presetId.value === preset.id}
            title={`Last ${preset.label}`}
            onClick={() => choosePreset(preset.id)}
          >
            {preset.id}
          </button>
        ))}
      </div>
      <button
        class="button"
        aria-pressed={live.value && presetId.value != null}
        title="Refresh by itself (p)"
        onClick={() => (live.value = !live.value)}
      >
        <i class="live-dot" />
        {live.value && presetId.value != null ? 'Live' : 'Paused'}
      </button>
    </header>
  );
}

function ServiceFilter() {
  const names = serviceNames.value;
  const current = service.value;
  const all = current && !names.includes(current) ? [...names, current] : names;
  return (
    <select
      class="field"
      aria-label="Service"
      value={current}
      onChange={(event) => chooseService(event.currentTarget.value)}
    >
      <option value="">All services</option>
      {all.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
