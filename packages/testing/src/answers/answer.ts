/** A complete HTTP answer. */
export interface FakeAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** The header fields. Default `content-type`: `application/json` for an object, `text/plain` for a text. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. Default: no body. */
  readonly body?: string | Readonly<Record<string, unknown>>;
}

/** The answer of the fake itself with other members in its JSON body, for what a vendor adds to a success or leaves out. */
export interface AnswerEdit {
  /** Members that are added or replaced. A member with the value undefined is removed. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** An answer with a JSON body. */
export function json(
  status: number,
  body: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): FakeAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** An HTML page in place of JSON. */
export function page(body: string): FakeAnswer {
  return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}
