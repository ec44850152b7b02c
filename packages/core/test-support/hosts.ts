import type { FetchLike } from '@credence/protocol';

export interface Hosts {
  readonly fetch: FetchLike;
  /** `METHOD url` of every request, in order. */
  readonly requests: string[];
  /** Replaces the answer of a URL. */
  set(url: string, answer: HostAnswer): void;
}

/** An object is answered with 200 as JSON. A function is called for every request. */
export type HostAnswer = Readonly<Record<string, unknown>> | (() => Response);

/** A fetch that answers from a table, for rules about hosts other than loopback. A URL that is not in the table answers 404. */
export function hosts(table: Readonly<Record<string, HostAnswer>>): Hosts {
  const answers = new Map(Object.entries(table));
  const requests: string[] = [];
  return {
    requests,
    set: (url, answer) => void answers.set(url, answer),
    async fetch(input, init = {}) {
      const url = input instanceof Request ? input.url : String(input);
      requests.push(`${init.method ?? 'GET'} ${url}`);
      const answer = answers.get(url);
      if (answer === undefined) return new Response('nothing here', { status: 404 });
      return typeof answer === 'function' ? answer() : Response.json(answer);
    },
  };
}
