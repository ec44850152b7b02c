import { lruCache } from '@credence/protocol';
import { ServerAccess } from '../call/server-access.ts';
import { MAX_ID_JAGS_OF_USERS } from '../flows/id-jag-cache.ts';
import type { Flow } from '../flows/flow.ts';
import { flowFor } from '../flows/flow-for.ts';
import { hashOf } from '../flows/known-subjects.ts';
import { type SharedByUsers, UserSession } from '../flows/user-session.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import type { UserTokenGetter } from '../subjects/user-token.ts';
import { type AccessToken } from '../tokens/access-token.ts';
import { TokenManager } from '../tokens/token-manager.ts';
import { type OnBehalfOfOptions, onBehalfOfSettings, wrong } from './on-behalf-of-options.ts';
import type { PrincipalParts } from './parts.ts';

const DEFAULT_MAX_USER_TOKENS = 1_000;
const MAX_REPLACED = 1_000;
/** Above this number, references to principals that no longer exist are removed. */
const SWEEP_ABOVE = 100;

/** A principal that can be closed with its bot. */
interface Closable {
  close(): Promise<void>;
}

/**
 * The principals of users of one bot. They share the bot's metadata, credentials, keys, connections and limits. Access tokens of users are in
 * one cache of limited size, from which they are used again in the user's next request.
 */
export class Users {
  readonly #bot: PrincipalParts;
  readonly #idp: IdpSettings;
  readonly #manager: TokenManager;
  /** The servers that a user can reach, and how their tokens are acquired. */
  readonly #flows: readonly { readonly server: ServerSettings; readonly flow: Flow }[];
  readonly #unusable: ReadonlySet<string>;
  readonly #shared: SharedByUsers;
  readonly #open = new Set<WeakRef<Closable>>();
  #sweepAbove = SWEEP_ABOVE;

  /** Throws `invalid_configuration` if no server of the bot can be reached for a user. */
  constructor(bot: PrincipalParts) {
    const { runtime, settings, directory, subjects, store, known, idJagSubjects } = bot;
    const { idp } = settings;
    const servers = [...settings.servers.values()];
    const usable = servers.filter(({ flow }) => flow === 'enterprise-managed');
    if (!idp || usable.length === 0) {
      throw wrong(
        'The bot cannot act for users: none of its servers gets its tokens through the IdP.',
        "Set idp, and use the flow 'enterprise-managed' for the servers: the other flows have no user.",
      );
    }
    this.#bot = bot;
    this.#idp = idp;
    this.#manager = new TokenManager(runtime, store, bot.maxUserTokens ?? DEFAULT_MAX_USER_TOKENS);
    idJagSubjects.onDrop((owner, issuer) => {
      if (owner !== undefined) this.#manager.dropOf(owner, issuer);
    });
    const parts = { directory, subjects, store, known, idJagSubjects, maxIdJags: MAX_ID_JAGS_OF_USERS };
    this.#flows = usable.map((server) => ({ server, flow: flowFor(runtime, { idp, server }, parts) }));
    this.#unusable = new Set(servers.filter((server) => !usable.includes(server)).map(({ name }) => name));
    const firstHashes = lruCache<string>(MAX_REPLACED);
    this.#shared = {
      known,
      firstHash: (hash) => firstHashes.get(hash) ?? hash,
      replaced: (hash, next) => void firstHashes.set(next, firstHashes.get(hash) ?? hash),
    };
  }

  /** The parts of a principal for one user. Throws `invalid_configuration`. */
  partsFor(
    token: UserTokenGetter | SubjectTokenSource,
    options: OnBehalfOfOptions,
    closed: () => void,
  ): PrincipalParts {
    const { source, run, ...settings } = onBehalfOfSettings(token, options, this.#idp);
    const { runtime } = this.#bot;
    const { issuer, credential } = this.#idp;
    const storeKey = hashOf(['user', issuer, credential.clientId, settings.identity]);
    const session = new UserSession(runtime, settings, { source, storeKey, shared: this.#shared });
    const servers = new Map(
      this.#flows.map(({ server, flow }) => [
        server.name,
        new ServerAccess(server, this.#idp, flow, this.#manager, { user: session }),
      ]),
    );
    const user = { session, run, unusable: this.#unusable, closed };
    return { ...this.#bot, manager: this.#manager, servers, revokesOnClose: false, user };
  }

  /** Adds a principal, which is closed with the bot. A principal that nobody uses any more can be collected. Returns a function that removes it. */
  add(principal: Closable): () => void {
    const reference = new WeakRef(principal);
    this.#open.add(reference);
    if (this.#open.size > this.#sweepAbove) this.#sweep();
    return () => void this.#open.delete(reference);
  }

  /** The valid access tokens of all users. */
  validTokens(): readonly AccessToken[] {
    return this.#manager.validTokens();
  }

  /** Closes the principals of all users, and drops their tokens. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map(async (reference) => reference.deref()?.close()));
    await this.#manager.close();
  }

  #sweep(): void {
    for (const reference of this.#open) if (!reference.deref()) this.#open.delete(reference);
    this.#sweepAbove = Math.max(SWEEP_ABOVE, this.#open.size * 2);
  }
}
