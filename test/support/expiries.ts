import type { Clock, ServicePrincipal } from '@credence/core';
import { jest } from '@jest/globals';
import { stopDates } from './faked-time.ts';
import type { OAuthWorld } from './oauth-world.ts';

/** The lifetime of the access tokens, the ID-JAGs and the subject tokens of the OAuth world, in milliseconds. */
const LIFETIME_MS = 300_000;

/** The token requests between two moments. */
export interface TokenRequests {
  /** The bot's own token at the IdP. */
  readonly authenticate: number;
  /** By name of the server. */
  readonly exchange: Readonly<Record<string, number>>;
  /** By name of the server. */
  readonly redeem: Readonly<Record<string, number>>;
}

/** A clock of a bot and of the OAuth world, which a test moves, and the token requests between its movements. */
export interface Expiries {
  /** For the bot. Stands still in between. */
  readonly clock: Clock;
  /** How often all tokens have expired. */
  readonly passed: number;
  /** Moves the clock beyond the end of all tokens. Before that, each server has a valid token and no acquisition is in progress. */
  expireAll(bot: ServicePrincipal): Promise<void>;
  /** Moves the clock to a moment at which the tokens are valid and so old that the bot renews them. */
  ageAll(): void;
  /** Revokes all access tokens. Before that, each server has a valid token and no acquisition is in progress. */
  revokeAll(bot: ServicePrincipal): Promise<void>;
  /** The token requests since the start, one for each period between two expiries or revocations. */
  requests(): readonly TokenRequests[];
}

/** Stops `Date`, of which the bot and the OAuth world take the time. `jest.useRealTimers()` restores it. */
export function startExpiries({ idp, as }: OAuthWorld, serverOf: (resource: string) => string): Expiries {
  stopDates();
  let passed = 0;
  const sent = () => [
    idp.script.received('authenticate'),
    idp.script.received('exchange'),
    as.script.received('redeem'),
  ];
  const marks = [[0, 0, 0]];
  const mark = () => void marks.push(sent().map(({ length }) => length));
  /** Joins the acquisitions in progress. A token that is issued while the clock moves would be expired when it arrives. */
  const settle = async (bot: ServicePrincipal) => Promise.all(bot.serverNames.map(async (server) => bot.token(server)));
  const move = (ms: number) => {
    mark();
    jest.setSystemTime(Date.now() + ms);
  };
  return {
    // The clock is never set back, so it can be the monotonic one too.
    clock: { wallMs: () => Date.now(), monotonicMs: () => Date.now() },
    get passed() {
      return passed;
    },
    async expireAll(bot) {
      passed += 1;
      await settle(bot);
      move(LIFETIME_MS + 1000);
    },
    ageAll: () => move(LIFETIME_MS * 0.96),
    async revokeAll(bot) {
      await settle(bot);
      mark();
      as.revokeAll();
    },
    requests() {
      const ends = [...marks.slice(1), sent().map(({ length }) => length)];
      return ends.map((end, at) => {
        const [own, exchanges, redeems] = sent().map((all, leg) => all.slice(marks[at]?.[leg], end[leg]));
        const byServer = (all: typeof own = []) => {
          const counts: Record<string, number> = {};
          for (const { form } of all) {
            const server = serverOf(form['resource'] ?? '');
            counts[server] = (counts[server] ?? 0) + 1;
          }
          return counts;
        };
        return { authenticate: own?.length ?? 0, exchange: byServer(exchanges), redeem: byServer(redeems) };
      });
    },
  };
}
