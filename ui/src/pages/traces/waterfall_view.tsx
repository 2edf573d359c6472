// The rows of a waterfall: a tree on the left, bars on the same time axis on the right.
import { useMemo } from 'preact/hooks';
import type { LogRecord } from '../../api/vedette';
import { nsBetween } from '../../api/vedette';
import { serviceColor } from '../../base/colors';
import { duration } from '../../base/format';
import { VirtualList } from '../../widgets/virtual_list';
import { Icon } from '../../widgets/icon';
import { Minimap } from './minimap';
import { axisMarks, barOf, type Node, type View, type Waterfall } from './waterfall';

interface Props {
  waterfall: Waterfall;
  rows: Node[];
  view: View;
  collapsed: ReadonlySet<number>;
  selected: Node;
  logs: Map<string, LogRecord[]>;
  onView: (view: View) => void;
  onSelect: (node: Node) => void;
  onToggle: (node: Node) => void;
  onFocus: (node: Node) => void;
}

const kRow = 28;
/** Deep trees indent less, so that names keep their room. */
const kIndentMax = 168;

export function WaterfallView(props: Props) {
  const { waterfall, rows, view, selected } = props;
  const deepest = useMemo(
    () => waterfall.all.reduce((depth, node) => Math.max(depth, node.depth), 1),
    [waterfall],
  );
  const indent = Math.max(3, Math.min(14, kIndentMax / deepest));
  const zoomed = view.from > 0 || view.to < waterfall.length;
  return (
    <section class="card waterfall" aria-label="Waterfall">
      <div class="waterfall-top">
        <div class="waterfall-tools">
          {rows.length === waterfall.all.length
            ? `${rows.length} spans`
            : `${rows.length} of ${waterfall.all.length} spans`}
          {zoomed && (
            <button
              class="link"
              onClick={() => props.onView({ from: 0, to: waterfall.length })}
              title="Fit the whole trace (Escape)"
            >
              whole trace
            </button>
          )}
        </div>
        <Minimap waterfall={waterfall} view={view} onView={props.onView} />
      </div>
      <div class="waterfall-axis" aria-hidden="true">
        <span />
        <div class="axis">
          {axisMarks({ ...view, to: view.to - (view.to - view.from) * 0.06 }, 5).map((at) => (
            <span key={at} style={{ left: `${((at - view.from) / (view.to - view.from)) * 100}%` }}>
              {duration(at / 1e9)}
            </span>
          ))}
        </div>
      </div>
      <VirtualList
        count={rows.length}
        rowHeight={kRow}
        active={rows.indexOf(selected)}
        role="tree"
        label="Spans"
        activeId={`span-${selected.index}`}
        render={(i) => <Row key={rows[i]!.index} node={rows[i]!} indent={indent} {...props} />}
      />
    </section>
  );
}

function Row(props: Props & { node: Node; indent: number }) {
  const { node, view, collapsed, selected } = props;
  const { span } = node;
  const color = serviceColor(node.service);
  const closed = collapsed.has(node.index);
  const logs = props.logs.get(span.span_id)?.length ?? 0;
  const indent = Math.min(node.depth * props.indent, kIndentMax);
  const classes = `span-row ${node === selected ? 'selected' : ''} ${node.failed ? 'failed' : ''}`;
  return (
    <div
      id={`span-${node.index}`}
      class={classes}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={node === selected}
      aria-expanded={node.children.length ? !closed : undefined}
      onClick={() => props.onSelect(node)}
      onDblClick={() => props.onFocus(node)}
    >
      <div class="span-name" style={{ paddingLeft: `${indent + 8}px` }}>
        {node.children.length ? (
          <button
            class="twist"
            tabIndex={-1}
            aria-label={closed ? 'Expand' : 'Collapse'}
            onClick={(event) => {
              event.stopPropagation();
              props.onToggle(node);
            }}
          >
            <Icon name={closed ? 'right' : 'down'} />
          </button>
        ) : (
          <i class="twist" />
        )}
        <i class={`span-mark bg-${color}`} />
        {node.errorOrigin && (
          <span class="error-mark" title="The error began here" role="img" aria-label="Error">
            !
          </span>
        )}
        <span class="span-title" title={`${node.service}: ${span.name}`}>
          <span class={node.failed ? 'bad' : ''}>{span.name}</span>{' '}
          <span class="muted">{node.service}</span>
        </span>
        {closed && <span class="tag">+{node.descendants}</span>}
        {logs > 0 && (
          <span class="tag" title={`${logs} log records of this span`}>
            {logs} {logs === 1 ? 'log' : 'logs'}
          </span>
        )}
      </div>
      <Bar node={node} view={view} color={color} />
    </div>
  );
}

function Bar({ node, view, color }: { node: Node; view: View; color: string }) {
  const bar = barOf(node, view);
  if (!bar) return <div class="span-lane" />;
  const { span } = node;
  // The label stands where there is room: right of the bar, left of it, or inside.
  const end = bar.left + bar.width;
  const place =
    end < 86
      ? { left: `calc(${end}% + 6px)` }
      : bar.left > 14
        ? { right: `calc(${100 - bar.left}% + 6px)` }
        : { left: `calc(${bar.left}% + 6px)` };
  const inside = end >= 86 && bar.left <= 14;
  return (
    <div class="span-lane">
      <i
        class={`span-bar bg-${color} ${node.errorOrigin ? 'bar-error' : ''}`}
        style={{ left: `${bar.left}%`, width: `max(2px, ${bar.width}%)` }}
      />
      {span.events.slice(0, 50).map((event, i) => {
        const at = nsBetween(span.start_ns, event.time_ns) + node.start;
        const share = ((at - view.from) / (view.to - view.from)) * 100;
        if (share < 0 || share > 100) return null;
        return (
          <i
            key={i}
            class={`span-event ${event.name === 'exception' ? 'bg-bad' : ''}`}
            style={{ left: `${share}%` }}
            title={event.name}
          />
        );
      })}
      <span class={`span-time ${inside ? 'inside' : ''}`} style={place}>
        {duration(span.duration_ns / 1e9)}
      </span>
    </div>
  );
}
