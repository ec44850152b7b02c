import assert from 'node:assert/strict';
import { type FakeLeg, matches, type RequestFilter } from '../settings/leg.ts';

/** One request that reached the fake. It contains no token, key, assertion or secret. */
export interface FakeRequest {
  /** The leg that the request belongs to. */
  readonly leg: FakeLeg;
  /** The HTTP method. */
  readonly method: string;
  /** The URL without its query. */
  readonly url: string;
  /** The name of the server that the request is about. Undefined for requests that concern the IdP alone. */
  readonly server: string | undefined;
  /** The name of the principal that sent the request. Undefined without client authentication and without an access token. */
  readonly principal: string | undefined;
  /**
   * Of a token request: its form parameters without secrets, such as `scope`, `audience` and `resource`. Of a call: the `method`
   * of JSON-RPC, and for `tools/call` also `tool` and `arguments`.
   */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The status of the answer. Undefined until the request is answered, and if the connection was dropped. */
  readonly status: number | undefined;
}

/** How many requests there were, by leg. */
export type ExpectedRequests = Readonly<Partial<Record<FakeLeg, number>>>;

/** Remembers the requests, and compares them with what a test expects. */
export class RequestLog {
  readonly #requests: FakeRequest[] = [];
  #seen = 0;

  get all(): readonly FakeRequest[] {
    return [...this.#requests];
  }

  of(leg: FakeLeg, filter: RequestFilter = {}): readonly FakeRequest[] {
    return this.#requests.filter((request) => matches({ ...filter, leg }, request));
  }

  /** Adds a request. Returns a function that notes the status of its answer. */
  add(request: Omit<FakeRequest, 'status'>): (status: number) => void {
    const at = this.#requests.push({ ...request, status: undefined }) - 1;
    return (status) => {
      this.#requests[at] = { ...request, status };
    };
  }

  expect(counts: ExpectedRequests): void {
    const recent = this.#takeRecent();
    const legs = Object.keys(counts) as FakeLeg[];
    const found = Object.fromEntries(legs.map((leg) => [leg, recent.filter((request) => request.leg === leg).length]));
    assert.deepEqual(
      found,
      { ...counts },
      `The requests are not the expected ones.\n${described(found, counts, recent)}`,
    );
  }

  expectNone(): void {
    const recent = this.#takeRecent();
    assert.equal(
      recent.length,
      0,
      `No more requests were expected, but there were ${recent.length}:\n${lines(recent)}`,
    );
  }

  /** The requests since the last expectation. */
  #takeRecent(): readonly FakeRequest[] {
    const recent = this.#requests.slice(this.#seen);
    this.#seen = this.#requests.length;
    return recent;
  }
}

function described(found: ExpectedRequests, expected: ExpectedRequests, recent: readonly FakeRequest[]): string {
  const legs = Object.keys(expected) as FakeLeg[];
  const differences = legs
    .filter((leg) => found[leg] !== expected[leg])
    .map((leg) => `  ${leg}: expected ${expected[leg]}, found ${found[leg]}`);
  return `${differences.join('\n')}\nThe requests since the last expectation:\n${lines(recent)}`;
}

function lines(requests: readonly FakeRequest[]): string {
  return requests.map((request) => `  ${line(request)}`).join('\n') || '  none';
}

function line({ leg, method, url, server, principal, status }: FakeRequest): string {
  const who = principal === undefined ? '' : ` by ${principal}`;
  const what = server === undefined ? '' : ` for ${server}`;
  return `${leg}: ${method} ${url}${what}${who}, answered ${status ?? 'nothing'}`;
}
