import { LANGUAGE_TAGS, useLocale } from "../i18n/locale";
import { Problem, problemOf } from "./problem";

export interface RequestOptions {
  token?: string | undefined;
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** The request outlives its page. */
  keepalive?: boolean;
}

/** GETs JSON from our own origin; throws Problem for every other outcome. */
export function get<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return send<T>("GET", path, undefined, options);
}

/** GETs what is no JSON, to be kept as a file. */
export async function getFile(path: string, options: RequestOptions = {}): Promise<Blob> {
  const accepted = { ...headersFor(undefined, options), Accept: "*/*", "Accept-Language": language() };
  const response = await reach(path, { headers: accepted });
  if (!response.ok) throw await problemOf(response);
  return response.blob();
}

export function post<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
  return send<T>("POST", path, JSON.stringify(body), options);
}

export function put<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
  return send<T>("PUT", path, JSON.stringify(body), options);
}

/** DELETEs; nothing is answered. */
export function remove(
  path: string,
  { body, ...options }: RequestOptions & { body?: unknown } = {},
): Promise<undefined> {
  return send<undefined>("DELETE", path, body === undefined ? undefined : JSON.stringify(body), options);
}

async function send<T>(
  method: string,
  path: string,
  body: string | undefined,
  options: RequestOptions,
): Promise<T> {
  const response = await reach(path, {
    method,
    headers: headersFor(body, options),
    ...(body !== undefined && { body }),
    ...(options.signal && { signal: options.signal }),
    ...(options.keepalive && { keepalive: true }),
  });
  if (!response.ok) throw await problemOf(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, { title: "unreachable" });
  }
}

function headersFor(
  body: string | undefined,
  { token, idempotencyKey }: RequestOptions,
): Record<string, string> {
  return {
    Accept: "application/json",
    // Mails that a request causes are in the language of the page.
    ...(body !== undefined && {
      "Content-Type": "application/json",
      "Accept-Language": language(),
    }),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(idempotencyKey !== undefined && { "Idempotency-Key": idempotencyKey }),
  };
}

const language = () => LANGUAGE_TAGS[useLocale.getState().locale];
