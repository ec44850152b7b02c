import {
  cleanText,
  type FetchLike,
  GRANT_CLIENT_CREDENTIALS,
  GRANT_JWT_BEARER,
  GRANT_TOKEN_EXCHANGE,
  isInMemory,
  markInMemory,
  waitFor,
  parsedUrl,
} from '@credence/protocol';
import { fetchFor } from '../call/fetch-for.ts';
import type { FetchForOptions } from '../call/fetch-for-options.ts';
import { withRunHeader } from '../call/run-header.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import type { Diagnosis } from '../diagnose/report.ts';
import type { TokenClient } from '../backoff/client-backoff.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Leg } from '../errors/leg.ts';
import { withoutQuery } from '../net/gate.ts';
import { type AccessToken, AccessToken as Token } from '../tokens/access-token.ts';
import { closed } from '../tokens/failures.ts';
import { optionsFromEnv } from './from-env.ts';
import { type OnBehalfOfOptions, wrong } from './on-behalf-of-options.ts';
import type { ServicePrincipalOptions } from './options.ts';
import { failureMembers } from '../runtime/events.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import type { UserTokenGetter } from '../subjects/user-token.ts';
import { runWith } from '../telemetry/event-context.ts';
import { checkRunId, type RunId, runIdOf } from '../telemetry/run-id.ts';
import { OpenCalls } from './open-calls.ts';
import { partsFor, preparedOptions, type PrincipalParts } from './parts.ts';
import { revokeTokens } from './revoke-tokens.ts';
import { type PrincipalStatus, serverStatus } from './status.ts';
import type { ServerAccess } from '../call/server-access.ts';
import { Users } from './users.ts';

/** Options of `ServicePrincipal.token`. */
export interface TokenOptions {
  /**
   * The scopes that the token must have. If `scopes` is configured for the server, each must be in `scopes` or `stepUp`;
   * otherwise `scope_outside_ceiling` is thrown. If `scopes` is not configured, any scope can be requested, and the IdP
   * decides. If one is not granted, `scope_not_granted` is thrown.
   */
  scopes?: readonly string[] | undefined;
  /** Ends the wait of this caller. The acquisition continues if other callers wait for it. */
  signal?: AbortSignal | undefined;
}

/**
 * A bot with its own identity. The bot authenticates at the identity provider of the organisation and gets access tokens
 * for the MCP servers to which it is granted access. Create one for the lifetime of the process, and close it at the end.
 *
 * @example
 * <!-- from examples/real-idp.ts#configuration -->
 * ```ts
 * const bot = new ServicePrincipal({
 *   idp: {
 *     issuer: IDP_ISSUER, // exactly as written in its metadata
 *     credential: privateKeyJwt({ clientId: 'reporting-bot', key: BOT_PRIVATE_KEY }),
 *   },
 *   servers: {
 *     linear: {
 *       url: linear.url, // https://mcp.linear.app/mcp
 *       issuer: linear.issuer, // the authorization server where the credential below is registered
 *       credential: clientSecret({ clientId: linear.clientId, secret: linear.clientSecret }),
 *       scopes: ['issues:read'], // the scopes to request; if this list is set, no others can be requested, except those in stepUp
 *       stepUp: ['issues:write'], // requested when a 403 of the server asks for them, or by bot.token('linear', { scopes })
 *     },
 *   },
 *   onEvent: (event) => audit.push(event),
 * });
 * ```
 */
export class ServicePrincipal {
  readonly #parts: PrincipalParts;
  readonly #runtime: Runtime;
  readonly #servers: ReadonlyMap<string, ServerAccess>;
  /** The principals that act for users. Undefined before the first one. */
  #users: Users | undefined;
  /** Ends the diagnoses in progress. */
  readonly #closing = new AbortController();
  readonly #open = new OpenCalls();
  #closed = false;
  #ending: Promise<void> | undefined;

  /** Throws a `CredenceError` of the leg `configure` for the first invalid option. Sends no request. */
  constructor(options: ServicePrincipalOptions) {
    this.#parts = partsFor(options);
    this.#runtime = this.#parts.runtime;
    this.#servers = this.#parts.servers;
  }

  /**
   * Creates a principal from the `CREDENCE_*` variables, or the `CONDUCTORONE_*` variables of C1; see docs/configuration.md. Throws
   * `invalid_configuration`.
   */
  static fromEnv(
    env: Readonly<Record<string, string | undefined>> = process.env,
    options: Omit<ServicePrincipalOptions, 'idp' | 'servers'> = {},
  ): ServicePrincipal {
    return new ServicePrincipal({ ...options, ...optionsFromEnv(env) });
  }

  /** The name of this principal in its events, metrics and audit records; see `ServicePrincipalOptions.label`. */
  get label(): string | undefined {
    return this.#parts.label;
  }

  /** The names of the configured servers. */
  get serverNames(): readonly string[] {
    return [...this.#servers.keys()];
  }

  /** The configured name and URL of a server, and the scopes that step-ups may add. Throws `unknown_server`. */
  server(nameOrUrl: string | URL): { name: string; url: URL; stepUp: readonly string[] } {
    const { name, url, stepUp } = this.#access(nameOrUrl).settings;
    return { name, url: new URL(url), stepUp };
  }

  /** A valid access token for a server. Concurrent callers share one acquisition. Throws a `CredenceError`. */
  async token(nameOrUrl: string | URL, options: TokenOptions = {}): Promise<AccessToken> {
    const access = this.#access(nameOrUrl);
    const isPlain = options.scopes === undefined && options.signal?.aborted !== true && !this.#parts.user;
    // Without a second async function in between, a cached token costs less time and memory.
    return (isPlain ? access.peek() : undefined) ?? this.#forUser(() => this.#waitForToken(access, options));
  }

  /**
   * A principal for one user: the user is the subject of its tokens, and this bot is the actor (`act`, RFC 8693 section 4.1). Every
   * function that takes a principal takes it. It is cheap, so create one for each request, and close it at the end of the request.
   *
   * It has the servers of the bot whose flow is `enterprise-managed`, and shares the bot's metadata, keys and connections. It never uses
   * tokens of the bot for calls. Access tokens are cached for the next request of the same `identity` with the same user's token. Closing
   * the bot closes it; closing it closes nothing of the bot.
   *
   * `getUserToken` returns the user's token, alone or with its type, or is a source such as `fromIdToken(getter)`. It is called before
   * the first token is requested, and again when its token has expired or was refused. Throws `invalid_configuration`.
   *
   * @example
   * <!-- from examples/on-behalf-of.ts#on-behalf-of -->
   * ```ts
   * const bot = ServicePrincipal.fromEnv(me.env, { onEvent: auditTrail((record) => audited.push(record)) });
   * const keys = createRemoteJWKSet(new URL(enterprise.idp.jwksUri));
   *
   * // Opens an issue for the user who sends the request, and returns who opened it.
   * async function openIssue(request: IncomingMessage): Promise<{ user: string; author: unknown }> {
   *   const idToken = request.headers.authorization?.replace(/^Bearer /u, '') ?? '';
   *   // The application verifies the token first, as it does for every request.
   *   const { payload } = await jwtVerify(idToken, keys, { issuer: enterprise.idp.issuer, audience: me.clientId });
   *   const identity = String(payload.sub); // or the key of the user in the application's own database
   *   const user = bot.onBehalfOf(() => idToken, { identity, run: randomUUID() });
   *   try {
   *     const client = await connectMcp(user, 'issues'); // or loadTools(user), mcpTransport(user, 'issues'), user.fetchFor('issues')
   *     const { structuredContent } = await client.callTool({
   *       name: 'create_issue',
   *       arguments: { title: `A question of ${identity}` },
   *     });
   *     await client.close();
   *     return { user: identity, author: Object(structuredContent)['author'] };
   *   } finally {
   *     await user.close(); // ends the calls of this request; the bot stays open
   *   }
   * }
   * ```
   */
  onBehalfOf(getUserToken: UserTokenGetter | SubjectTokenSource, options: OnBehalfOfOptions): ServicePrincipal {
    if (this.#closed) throw closed();
    if (this.#parts.user) {
      throw wrong('This principal already acts for a user.', 'Call onBehalfOf of the bot, for each user.');
    }
    const users = (this.#users ??= new Users(this.#parts));
    let remove: () => void = () => undefined;
    const parts = users.partsFor(getUserToken, options, () => remove());
    const principal = new ServicePrincipal(preparedOptions(parts));
    remove = users.add(principal);
    return principal;
  }

  /** Drops this token because the server refused it. Does nothing if the token was already replaced. */
  invalidate(token: AccessToken): void {
    if (token instanceof Token) this.#parts.manager.reject(token);
  }

  /**
   * Emits a `warning` event about a server. For adapters, which find problems that do not make a call fail. A text of the server must
   * be cleaned before it is part of `message` or `remedy`. Throws `unknown_server`.
   */
  warn(nameOrUrl: string | URL, warning: { leg: Leg; message: string; remedy: string }): void {
    const { name } = this.#access(nameOrUrl).settings;
    this.#forUser(() => this.#runtime.emit({ type: 'warning', server: name, ...warning }));
  }

  /**
   * Gets the tokens of these servers (default: all) concurrently, before the first call needs them. Throws the first
   * refusal after all acquisitions have ended.
   */
  async prepare(names: readonly (string | URL)[] = this.serverNames): Promise<void> {
    const outcomes = await Promise.allSettled(names.map(async (name) => this.token(name)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /**
   * What is known about each server and about the store: tokens and their ages, the last failures, pauses. Sends no request. For
   * readiness probes and dashboards: the result contains no secret.
   */
  status(): PrincipalStatus {
    const wallMs = this.#runtime.clock.wallMs();
    const servers = Object.fromEntries(
      [...this.#servers].map(([name, access]) => {
        const clientPausedForMs = Math.max(
          0,
          ...tokenClients(this.#parts.settings.idp, access.settings).map(
            (client) => this.#runtime.clients.refused(client)?.pausedForMs ?? 0,
          ),
        );
        const isClosed = this.#closed;
        return [name, serverStatus(access.state, access.failures, { wallMs, clientPausedForMs, isClosed })];
      }),
    );
    const ready = !this.#closed && Object.values(servers).every((server) => server.ready);
    const { store } = this.#parts;
    return { ready, servers, ...(store && { store: store.state }) };
  }

  /**
   * A `fetch` for one server that adds the access token to each request. Pass it as `fetch` to the transports of both SDKs. The
   * fetch also accepts a `Request` and reads its body into memory, so that the request can be sent again with another token.
   */
  fetchFor(nameOrUrl: string | URL, options: FetchForOptions = {}): FetchLike {
    const access = this.#access(nameOrUrl);
    const send = this.#fetchOfRun(fetchFor(this.#runtime, access, options, this.#open.whenClosed), options.run);
    const ofServer: FetchLike = async (input, init) => {
      if (this.#closed) throw closed();
      const caller = init?.signal ?? (input instanceof Request ? input.signal : undefined);
      const signal = caller ? this.#open.signalFor(caller) : undefined;
      if (!signal) return this.#open.untilClose(send(input, init));
      const sending = send(input, { ...init, signal });
      // A fetch of the application may ignore the signal.
      return this.#parts.hasOwnFetch ? waitFor(sending, signal) : sending;
    };
    // An adapter asks the fetch whether its tokens may be sent by another one.
    const { fetch, clock } = this.#runtime;
    return isInMemory(fetch) || isInMemory(clock) ? markInMemory(ofServer) : ofServer;
  }

  /**
   * Runs every leg without cached tokens and metadata, and reports each response, the remedy and the contact. A refusal is in the
   * report. The requests are sent even while calls are not sent because of an earlier refusal; if a token is granted, calls are sent
   * again at once. Throws only `unknown_server`, `closed` and the reason of `signal`.
   */
  async diagnose(nameOrUrl: string | URL, options: { signal?: AbortSignal } = {}): Promise<Diagnosis> {
    const access = this.#access(nameOrUrl);
    const { settings } = access;
    const { settings: all, store, directory, known, idJagSubjects, user } = this.#parts;
    const diagnosis = await this.#forUser(() =>
      diagnose(
        this.#runtime,
        { idp: all.idp, server: settings, store, known, idJagSubjects, user: user?.session },
        directory,
        this.#open,
        [options.signal, this.#closing.signal],
      ),
    );
    if (diagnosis.granted) await access.forgetRefusals();
    return diagnosis;
  }

  /**
   * Ends the acquisitions, calls, streams and diagnoses in progress with the error `closed`, and drops every token. With
   * `revokeOnClose` the tokens are revoked. Idempotent.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#closing.abort(closed());
    this.#open.close(closed());
    const { user, manager, directory, store, revokesOnClose } = this.#parts;
    if (user) {
      // Everything else belongs to the bot.
      user.session.close(closed());
      user.closed();
      return;
    }
    const tokens = revokesOnClose ? [...manager.validTokens(), ...(this.#users?.validTokens() ?? [])] : [];
    await Promise.all([this.#users?.close(), manager.close()]);
    await revokeTokens(
      this.#runtime,
      directory,
      tokens.flatMap((token) => {
        const server = this.#servers.get(token.server)?.settings;
        return server ? [{ token, server }] : [];
      }),
    );
    directory.close();
    store?.close();
    this.#runtime.emit({ type: 'closed' });
  }

  async #waitForToken(access: ServerAccess, { scopes, signal }: TokenOptions): Promise<AccessToken> {
    try {
      return await access.token(scopes, signal);
    } catch (error) {
      if (isCredenceError(error) && error.code !== 'closed' && !signal?.aborted) {
        const server = access.settings.name;
        access.failures.add(error, this.#runtime.clock.wallMs());
        this.#runtime.emit({ type: 'token-failed', server, ...failureMembers(error) });
      }
      throw error;
    }
  }

  /** Runs the work so that its events have the user and the run of this principal. */
  #forUser<T>(work: () => T): T {
    const { user } = this.#parts;
    if (!user || !this.#runtime.observed) return work();
    return runWith({ user: user.session.inEvents, run: runIdOf(user.run) }, work);
  }

  /** A fetch whose requests have the id of the run in a header, and whose events have the user and the run. */
  #fetchOfRun(send: FetchLike, ofFetch: RunId | undefined): FetchLike {
    checkRunId(ofFetch, 'fetchFor({ run })');
    const { user } = this.#parts;
    const runId = ofFetch ?? user?.run;
    if (!user && runId === undefined) return send;
    return async (input, init = {}) => {
      const run = runIdOf(runId);
      const context = { ...(user && { user: user.session.inEvents }), run };
      return runWith(context, () => send(input, runId === undefined ? init : withRunHeader(input, init, run)));
    };
  }

  #access(nameOrUrl: string | URL): ServerAccess {
    if (this.#closed) throw closed();
    const text = String(nameOrUrl);
    const byName = this.#servers.get(text);
    if (byName) return byName;
    const href = parsedUrl(text)?.href;
    for (const access of this.#servers.values()) if (access.settings.url.href === href) return access;
    if (this.#parts.user?.unusable.has(text) === true) throw withoutUser(text);
    // A URL can contain a password.
    const shownName = href === undefined ? text : withoutQuery(text);
    throw new CredenceError({
      code: 'unknown_server',
      leg: 'configure',
      message: `No server "${cleanText(shownName, { max: 120 })}" is configured.`,
      remedy: `Use one of: ${this.serverNames.join(', ')}; or add it to servers.`,
      contact: 'you',
    });
  }
}

/** The error for a server whose tokens are always those of the bot. */
function withoutUser(name: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `Server "${name}" cannot be called for a user: its flow requests the tokens of the bot itself.`,
    remedy: `Remove servers.${name}.flow, so that its tokens are requested through the IdP; or call the server with the bot.`,
    contact: 'you',
    server: name,
  });
}

/** The clients that request tokens for this server. */
function tokenClients(idp: IdpSettings | undefined, server: ServerSettings): readonly TokenClient[] {
  const at = ({ issuer, credential }: { issuer: string; credential: TokenClient['credential'] }, grants: string[]) =>
    grants.map((grantType) => ({ issuer, credential, grantType, server: server.name }));
  const usesIdp = idp !== undefined && server.flow === 'enterprise-managed';
  return [
    ...(usesIdp ? at(idp, [GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE]) : []),
    ...at(server, [GRANT_CLIENT_CREDENTIALS, GRANT_JWT_BEARER]),
  ];
}
