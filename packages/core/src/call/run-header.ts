import { RUN_HEADER } from '../telemetry/run-id.ts';

/** The init of a request with the id of its run in a header. A value of the caller is replaced. */
export function withRunHeader(input: string | URL | Request, init: RequestInit, run: string): RequestInit {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set(RUN_HEADER, run);
  return { ...init, headers };
}
