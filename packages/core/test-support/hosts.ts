import type { FetchLike } from '@credence/protocol';

export interface Hosts {
  readonly fetch: FetchLike;
  /** `METHOD url` of every request, in order. */
  readonly asked: string[];
  /** Replaces what a URL answers. */
  set(url: string, answer: HostAnswer): void;
}

/** An object is 200 and JSON; anything else is made anew for every request. */
export type HostAnswer = Readonly<Record<string, unknown>> | (() => Response);

/** A network of named hosts, for rules about addresses that loopback cannot show: what is not in the table is 404. */
export function hosts(table: Readonly<Record<string, HostAnswer>>): Hosts {
  const answers = new Map(Object.entries(table));
  const asked: string[] = [];
  return {
    asked,
    set: (url, answer) => void answers.set(url, answer),
    async fetch(input, init = {}) {
      const url = input instanceof Request ? input.url : String(input);
      asked.push(`${init.method ?? 'GET'} ${url}`);
      const answer = answers.get(url);
      if (answer === undefined) return new Response('nothing here', { status: 404 });
      return typeof answer === 'function' ? answer() : Response.json(answer);
    },
  };
}
