import { RUN_HEADER } from '@credence/protocol';

/**
 * The init of a request with the id of its run in a header. A value of the caller is replaced; if there is no id, it is removed, because the
 * application has said that the function decides.
 */
export function withRunHeader(input: string | URL | Request, init: RequestInit, run: string | undefined): RequestInit {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  if (run !== undefined) headers.set(RUN_HEADER, run);
  else if (headers.has(RUN_HEADER)) headers.delete(RUN_HEADER);
  else return init;
  return { ...init, headers };
}
