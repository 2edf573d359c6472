// One way to ask the server: JSON in, or an error whose message says what to do.

import { during } from '../base/activity';

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** The words of an error body: ours, Prometheus's, or the body itself where it is neither. */
export function errorMessage(status: number, body: string): string {
  try {
    const parsed = JSON.parse(body) as { error?: string | { message?: string } };
    if (typeof parsed.error === 'string') return parsed.error;
    if (parsed.error?.message) return parsed.error.message;
  } catch {
    // not JSON
  }
  return body.trim().slice(0, 300) || `The server answered with status ${status}.`;
}

export type Query = Record<string, string | number | readonly string[] | null | undefined>;

export function queryString(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value == null || value === '') continue;
    if (Array.isArray(value)) value.forEach((v: string) => params.append(name, v));
    else params.set(name, String(value));
  }
  return params.toString();
}

export function getJson<T>(path: string, query: Query, abort?: AbortSignal): Promise<T> {
  return during(ask<T>(path, query, abort));
}

async function ask<T>(path: string, query: Query, abort?: AbortSignal): Promise<T> {
  const text = queryString(query);
  let response: Response;
  try {
    response = await fetch(text ? `${path}?${text}` : path, { signal: abort ?? null });
  } catch (error) {
    if (abort?.aborted) throw error;
    throw new ApiError('The server does not answer. Is `vedette serve` still running?', 0);
  }
  if (!response.ok) {
    throw new ApiError(errorMessage(response.status, await response.text()), response.status);
  }
  return (await response.json()) as T;
}
