// What a place shows while there is nothing to show: loading, empty, failed.
import type { ComponentChildren } from 'preact';
import type { State } from '../api/vedette';

export function Skeleton({ height }: { height: number }) {
  return (
    <div class="skeleton" role="status" aria-label="Loading" style={{ height: `${height}px` }} />
  );
}

export function ErrorNote({ error }: { error: Error }) {
  return (
    <div class="note note-bad" role="alert">
      <strong>Something could not be loaded.</strong>
      <span>{error.message}</span>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children && <div class="muted">{children}</div>}
    </div>
  );
}

const kInstrument = `import vedette
vedette.instrument(app)   # a FastAPI app: traces, metrics, logs
vedette.health(app)       # /health/live and /health/ready`;

/** The first thing a new user sees. */
export function FirstSteps({ what }: { what: string }) {
  return (
    <div class="empty first-steps">
      <strong>No {what} yet.</strong>
      <p class="muted">
        This server is ready and listening. With the package <code>vedette</code> installed, three
        lines make a Python API speak to it, and there is nothing to configure:
      </p>
      <pre class="code">{kInstrument}</pre>
      <p class="muted">
        Anything that speaks OTLP works as well: send it to <code>{location.host}</code>, or to
        ports 4317 (gRPC) and 4318 (HTTP).
      </p>
    </div>
  );
}

const kStateWords: Record<State, string> = {
  healthy: 'healthy',
  degrading: 'degrading',
  broken: 'broken',
  unknown: 'not heard from',
};

/** A state by shape as well as by colour. */
export function StateMark({ state, words }: { state: State; words?: boolean }) {
  return (
    <span class={`state state-${state}`}>
      <svg viewBox="0 0 12 12" role="img" aria-label={kStateWords[state]}>
        {state === 'healthy' && <circle cx="6" cy="6" r="4" />}
        {state === 'degrading' && <path d="M6 1.5l5 9H1z" />}
        {state === 'broken' && <path d="M2 2h8v8H2z" />}
        {state === 'unknown' && <circle class="hollow" cx="6" cy="6" r="3.5" />}
      </svg>
      {words && kStateWords[state]}
    </span>
  );
}

/** A page's answer to "is it healthy?", in words. */
export function Verdict(props: { state: State; sentence: string; children?: ComponentChildren }) {
  return (
    <section class={`verdict verdict-${props.state}`} aria-label="Verdict" aria-live="polite">
      <StateMark state={props.state} />
      <div>
        <p class="verdict-sentence">{props.sentence}</p>
        {props.children}
      </div>
    </section>
  );
}
