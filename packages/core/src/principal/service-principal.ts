import { cleanText, type FetchLike } from '@credence/protocol';
import { fetchFor, type FetchForOptions } from '../call/fetch-for.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import type { Diagnosis } from '../diagnose/report.ts';
import { Directory } from '../discovery/directory.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { flowFor } from '../flows/flow-for.ts';
import { withoutQuery } from '../net/gate.ts';
import { SubjectTokens } from '../flows/subject-tokens.ts';
import { type AccessToken, AccessToken as Token } from '../tokens/access-token.ts';
import { SharedStore } from '../store/shared-store.ts';
import { closed } from '../tokens/failures.ts';
import { TokenManager } from '../tokens/token-manager.ts';
import { optionsFromEnv } from './from-env.ts';
import type { ServicePrincipalOptions } from './options.ts';
import { runtimeFromOptions } from './runtime-from-options.ts';
import { ServerAccess } from '../call/server-access.ts';
import { settingsFromOptions } from './settings-from-options.ts';

/** A token that is asked for by name. */
export interface TokenOptions {
  /** Scopes this call must have; each must be configured for the server, and one that is not granted is an error. */
  scopes?: readonly string[] | undefined;
  /** Ends the wait, not the acquisition that others may share. */
  signal?: AbortSignal | undefined;
}

/**
 * A bot with an identity of its own: it authenticates at the organisation's identity provider and reaches every MCP server it
 * was granted. One for the life of the process; close it at the end.
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
 *       scopes: ['issues:read'], // the scopes to request; the bot never requests others, except those in stepUp
 *       stepUp: ['issues:write'], // additional scopes, requested only when the server challenges a call for them
 *     },
 *   },
 *   onEvent: (event) => audit.push(event),
 * });
 * ```
 */
export class ServicePrincipal {
  readonly #runtime: ReturnType<typeof runtimeFromOptions>;
  readonly #settings: ReturnType<typeof settingsFromOptions>;
  readonly #directory: Directory;
  readonly #manager: TokenManager;
  readonly #servers: ReadonlyMap<string, ServerAccess>;
  #closed = false;

  /** Throws `CredenceError` of leg `configure` for the first thing that is wrong. Sends nothing. */
  constructor(options: ServicePrincipalOptions) {
    this.#settings = settingsFromOptions(options);
    this.#runtime = runtimeFromOptions(options);
    const { idp, servers } = this.#settings;
    this.#directory = new Directory(this.#runtime);
    const store = options.store && new SharedStore(this.#runtime, options.store);
    const subjects = new SubjectTokens(this.#runtime, idp, this.#directory, store);
    this.#manager = new TokenManager(this.#runtime, store, options.cache?.maxTokens);
    this.#servers = new Map(
      [...servers.values()].map((server) => {
        const flow = flowFor(this.#runtime, { idp, server }, { directory: this.#directory, subjects, store });
        return [server.name, new ServerAccess(server, idp, flow, this.#manager)];
      }),
    );
  }

  /** From `CREDENCE_*` variables, or C1's own; see docs/configuration.md. Throws `invalid_configuration`. */
  static fromEnv(
    env: Readonly<Record<string, string | undefined>> = process.env,
    options: Omit<ServicePrincipalOptions, 'idp' | 'servers'> = {},
  ): ServicePrincipal {
    return new ServicePrincipal({ ...options, ...optionsFromEnv(env) });
  }

  /** The names of the configured servers. */
  get serverNames(): readonly string[] {
    return [...this.#servers.keys()];
  }

  /** A server's name and URL as configured; by name or by URL. Throws `unknown_server`. */
  server(nameOrUrl: string | URL): { name: string; url: URL } {
    const { name, url } = this.#access(nameOrUrl).settings;
    return { name, url: new URL(url) };
  }

  /** A token for a server that is good now; concurrent callers share one acquisition. Throws `CredenceError`. */
  async token(nameOrUrl: string | URL, options: TokenOptions = {}): Promise<AccessToken> {
    return this.#access(nameOrUrl).token(options.scopes, options.signal);
  }

  /** The server refused exactly this token: it is forgotten, unless another has taken its place. */
  invalidate(token: AccessToken): void {
    if (token instanceof Token) this.#manager.reject(token);
  }

  /** Gets the tokens of these servers (default: all) at the same time. Throws the first refusal after all have ended. */
  async prepare(names: readonly (string | URL)[] = this.serverNames): Promise<void> {
    const outcomes = await Promise.allSettled(names.map(async (name) => this.token(name)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /**
   * A `fetch` for one server that carries its tokens: what both SDKs' transports take as `fetch`. It takes a `Request` too,
   * whose body it reads into memory, so that the request can be sent again with another token.
   */
  fetchFor(nameOrUrl: string | URL, options: FetchForOptions = {}): FetchLike {
    const access = this.#access(nameOrUrl);
    const send = fetchFor(this.#runtime, access, options);
    return async (input, init) => {
      if (this.#closed) throw closed();
      return send(input, init);
    };
  }

  /**
   * Goes every leg anew, past what is kept, and says of each what was answered, what to do and whom to ask. A refusal is in the
   * report; thrown is only `unknown_server`, that the principal is closed, and the reason of `signal`.
   */
  async diagnose(nameOrUrl: string | URL, options: { signal?: AbortSignal } = {}): Promise<Diagnosis> {
    const { settings } = this.#access(nameOrUrl);
    return diagnose(this.#runtime, { idp: this.#settings.idp, server: settings }, this.#directory, options.signal);
  }

  /** Ends what is under way and forgets every token. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#manager.close();
  }

  #access(nameOrUrl: string | URL): ServerAccess {
    if (this.#closed) throw closed();
    const wanted = String(nameOrUrl);
    const named = this.#servers.get(wanted);
    if (named) return named;
    const href = URL.canParse(wanted) ? new URL(wanted).href : undefined;
    for (const access of this.#servers.values()) if (access.settings.url.href === href) return access;
    // A URL can contain a password.
    const shownName = href === undefined ? wanted : withoutQuery(wanted);
    throw new CredenceError({
      code: 'unknown_server',
      leg: 'configure',
      message: `No server "${cleanText(shownName, { max: 120 })}" is configured.`,
      remedy: `Use one of: ${this.serverNames.join(', ')}; or add it to servers.`,
      contact: 'you',
    });
  }
}
