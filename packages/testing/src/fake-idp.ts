import type { FetchLike, McpServerOptions, ServicePrincipalOptions } from '@credence/core';
import { markInMemory } from '@credence/protocol';
import { authorizationServerRoutes } from './authorization-server/authorization-server-routes.ts';
import { Hooks, type NextAnswer, type NextOptions } from './hooks/next.ts';
import { StandingRefusals } from './hooks/standing-answer.ts';
import { fakeFetch } from './http/fake-fetch.ts';
import { idpRoutes } from './idp/idp-routes.ts';
import { subjectTokens } from './idp/subject-tokens.ts';
import { mcpRoutes } from './mcp/mcp-routes.ts';
import { principalOptions } from './principal-options.ts';
import { type FakeRequest, type ExpectedRequests, RequestLog } from './requests/request-log.ts';
import { checkLeg, checkOptions, checkRefusal, invalid, refusalsOf } from './settings/check.ts';
import { fakeClock, type FakeClock } from './settings/clock.ts';
import type { FakeLeg, RequestFilter } from './settings/leg.ts';
import type { FakeIdpOptions, StandingRefusal } from './settings/options.ts';
import { settingsFrom } from './settings/settings.ts';
import { AccessTokens } from './tokens/access-tokens.ts';
import { signingKey } from './tokens/signing-key.ts';
import { workloadToken } from './tokens/workload-token.ts';

/** An IdP, authorization servers and MCP servers in the memory of a test. */
export interface FakeIdp {
  /** Answers every request of the principal. Give it to the principal as `fetch`. It never sends a request to the network. */
  readonly fetch: FetchLike;
  /** The clock of the fake. Give it to the principal as `clock`, so that `clock.advance(ms)` and `expire()` pass time for both. */
  readonly clock: FakeClock;
  /**
   * The options of `ServicePrincipal` for a principal: issuers, URLs, credentials, `fetch`, `clock`, and retries without a pause.
   * `servers` adds or replaces options by server, such as `{ issues: { scopes: ['issues:read'] } }`. Throws `invalid_configuration`
   * for a principal of which the fake has no private key.
   */
  options(principal: string, servers?: Readonly<Record<string, Partial<McpServerOptions>>>): ServicePrincipalOptions;
  /** An ID token of a user, for `fromIdToken` and `onBehalfOf`. It is for the client of this principal, and lives for an hour by default. */
  idToken(user: {
    readonly subject: string;
    readonly principal: string;
    readonly claims?: Readonly<Record<string, unknown>> | undefined;
    readonly lifetimeSeconds?: number | undefined;
  }): Promise<string>;
  /** A refresh token of a user, for `fromRefreshToken`. It is for the client of this principal, and does not expire. */
  refreshToken(user: { readonly subject: string; readonly principal: string }): string;
  /**
   * A token of the platform on which the bot runs, for `fromWorkloadToken`. It is for the IdP, or for the authorization server of
   * `server` with `flow: 'workload-identity'`. Its subject is the client id of the principal at the IdP. It lives for an hour by default.
   */
  workloadToken(workload: {
    readonly principal: string;
    readonly server?: string | undefined;
    readonly claims?: Readonly<Record<string, unknown>> | undefined;
    readonly lifetimeSeconds?: number | undefined;
  }): Promise<string>;
  /** Decides what happens to the next request of a leg, once. Several hooks are used up in their order. */
  next(leg: FakeLeg, options?: NextOptions): NextAnswer;
  /** Refuses requests from now on, by default those of the exchange. Returns a function that lifts the refusal. */
  refuse(refusal: StandingRefusal): () => void;
  /**
   * Revokes the access tokens that are live: the MCP server answers 401 to them, and new tokens are granted as before. Default: of all
   * servers and all principals. Returns how many there were.
   */
  revoke(server?: string, filter?: { readonly principal?: string | undefined }): number;
  /**
   * Lets so much time pass on `clock` that every access token, every ID-JAG and every own token of a principal has expired. Returns how
   * much, in milliseconds. Tokens of users and of platforms live as long as their `lifetimeSeconds`.
   */
  expire(): number;
  /** The requests so far, in their order. */
  readonly requests: readonly FakeRequest[];
  /** The requests of one leg so far. */
  requestsOf(leg: FakeLeg, filter?: Omit<RequestFilter, 'leg'>): readonly FakeRequest[];
  /**
   * Compares the number of requests of these legs since the last expectation. Throws an AssertionError that lists the requests if a
   * number differs. Legs that are not named do not count.
   */
  expectRequests(counts: ExpectedRequests): void;
  /** Throws an AssertionError if there was a request of any leg since the last expectation. */
  expectNoMoreRequests(): void;
  /** Throws an AssertionError that names each `next(...)` which no request has reached. */
  expectNoPendingAnswers(): void;
}

/**
 * Creates an IdP with authorization servers and MCP servers for the unit tests of a bot. Nothing is started: `fetch` answers every
 * request in memory. ID-JAGs are signed, and verified where they are redeemed; clients, DPoP proofs and scopes are checked.
 *
 * Throws a CredenceError `invalid_configuration` for invalid options.
 *
 * @example
 * <!-- from examples/unit-test.ts#test -->
 * ```ts
 * test('the bot survives a revocation, and a refusal says whom to ask', async () => {
 *   const idp = fakeIdp({
 *     principals: { 'reporting-bot': {} },
 *     servers: { issues: { tools: { list_issues: () => ['Printer', 'Heating'] } } },
 *   });
 *   const bot = new ServicePrincipal(idp.options('reporting-bot'));
 *   assert.match(await openIssues(bot), /Printer/);
 *   idp.revoke('issues'); // the server answers 401, and the bot gets a new token
 *   assert.match(await openIssues(bot), /Heating/);
 *   idp.expectRequests({ exchange: 1, redeem: 2 });
 *
 *   idp.refuse({ server: 'issues' }); // an administrator takes the grant away
 *   idp.expire(); // every token expires
 *   await assert.rejects(openIssues(bot), { code: 'access_denied', contact: 'idp-admin' });
 *   await bot.close();
 * });
 * ```
 */
export function fakeIdp(options: FakeIdpOptions): FakeIdp {
  checkOptions(options);
  const settings = settingsFrom(options);
  const clock = markInMemory(fakeClock(options.clock));
  const key = signingKey(clock);
  const subjects = subjectTokens(settings.issuer, key, clock);
  const tokens = new AccessTokens(clock);
  const log = new RequestLog();
  const hooks = new Hooks();
  const refusals = new StandingRefusals(refusalsOf(options.refuse));
  let lastIdJagMs = 0;
  const onIssued = (expiresAtMs: number) => {
    lastIdJagMs = Math.max(lastIdJagMs, expiresAtMs);
  };
  const routes = [
    ...idpRoutes({ settings, clock, key, subjects, onIssued }),
    ...authorizationServerRoutes({ settings, clock, key, tokens }),
    ...mcpRoutes({ settings, tokens, clock }),
  ];
  const fetch = markInMemory(fakeFetch({ routes, log, hooks, refusals, clock }));
  const principalOf = (name: string) => {
    const principal = settings.principals.get(name);
    if (principal !== undefined) return principal;
    throw invalid(`no principal "${name}" is configured`, `Use one of: ${[...settings.principals.keys()].join(', ')}.`);
  };
  const checkNames = ({ server, principal }: RequestFilter) => {
    if (principal !== undefined) principalOf(principal);
    if (server !== undefined && !settings.servers.has(server)) {
      throw invalid(`no server "${server}" is configured`, `Use one of: ${[...settings.servers.keys()].join(', ')}.`);
    }
  };

  return {
    fetch,
    clock,
    options: (name, servers) => ({ ...principalOptions(settings, principalOf(name), servers), fetch, clock }),
    async idToken({ subject, principal, claims, lifetimeSeconds = 3600 }) {
      const { clientId } = principalOf(principal).client;
      return subjects.idToken({ subject, audience: clientId, claims, lifetimeSeconds });
    },
    refreshToken: ({ subject, principal }) => subjects.refreshToken(subject, principalOf(principal).client.clientId),
    async workloadToken({ principal, server, claims, lifetimeSeconds = 3600 }) {
      checkNames({ server });
      const subject = principalOf(principal).client.clientId;
      const audience = (server === undefined ? undefined : settings.servers.get(server)?.issuer) ?? settings.issuer;
      return workloadToken({ subject, audience, claims, lifetimeSeconds }, key);
    },
    next(leg, about = {}) {
      checkLeg(leg, 'next');
      checkNames(about);
      checkTimes(about.times);
      return hooks.next(leg, about);
    },
    refuse(refusal) {
      checkRefusal(refusal);
      checkNames(refusal);
      return refusals.add(refusal);
    },
    revoke(server, { principal } = {}) {
      checkNames({ server, principal });
      return tokens.revoke({ server, principal });
    },
    expire() {
      const untilMs = Math.max(tokens.lastExpiryMs(), subjects.lastExpiryMs(), lastIdJagMs);
      const passedMs = Math.max(0, untilMs - clock.wallMs());
      clock.advance(passedMs);
      return passedMs;
    },
    get requests() {
      return log.all;
    },
    requestsOf(leg, filter = {}) {
      checkLeg(leg, 'requestsOf');
      checkNames(filter);
      return log.of(leg, filter);
    },
    expectRequests(counts) {
      for (const leg of Object.keys(counts)) checkLeg(leg, 'expectRequests');
      log.expect(counts);
    },
    expectNoMoreRequests: () => log.expectNone(),
    expectNoPendingAnswers: () => hooks.expectNonePending(),
  };
}

function checkTimes(times = 1): void {
  if (Number.isInteger(times) && times >= 1) return;
  throw invalid(`times of next is ${times}`, 'Use a whole number of at least 1.');
}
