import { createHash } from 'node:crypto';
import { lruCache, stringField } from '@credence/protocol';
import { decodeJwt } from 'jose';
import { CredenceError } from '../errors/credence-error.ts';
import type { SharedStore } from '../store/shared-store.ts';

const MAX_OWNERS = 5_000;
/** How long the store keeps a subject after the last process has seen it. */
const STORED_MS = 30 * 24 * 3_600_000;

/** Whose subject is remembered: a source of subject tokens, or a user. */
export interface SubjectOwner {
  /** The key in the memory of this process. */
  readonly memoryKey: string;
  /**
   * The key in the store, which is the same in every process of the bot. Undefined for the tokens that a client gets for itself: their
   * subject depends on the client id alone, which is a part of each key.
   */
  readonly storeKey: string | undefined;
  /** The source or the user, for the message of an error. */
  readonly shown: string;
  /** Whether the owner is a user for whom the bot acts. */
  readonly isUser: boolean;
}

/**
 * The first subject of each source of subject tokens, and of each user. A service principal has one subject: with the token of another one
 * its cached access tokens would be those of a stranger. Only hashes are kept, and only of tokens that the IdP has accepted. With a store,
 * the subject is also known after a restart.
 */
export class KnownSubjects {
  readonly #known = lruCache<string>(MAX_OWNERS);
  readonly #store: SharedStore | undefined;

  constructor(store?: SharedStore) {
    this.#store = store;
  }

  /**
   * Throws `subject_changed` if the owner had another subject before. Does nothing if one of the two is unknown. `about` says which subject
   * is compared: of the owner's tokens, or of the ID-JAGs for one authorization server.
   */
  async check(owner: SubjectOwner, subject: string | undefined, about: SubjectAbout = {}): Promise<void> {
    if (subject === undefined) return;
    await this.#load(owner, about);
    this.#compare(owner, subject, about);
  }

  /** Throws `subject_changed` like `check`, and remembers the subject if none was known. */
  async remember(owner: SubjectOwner, subject: string | undefined, about: SubjectAbout = {}): Promise<void> {
    if (subject === undefined) return;
    await this.#load(owner, about);
    // Without a pause between the comparison and the entry: two tokens may be exchanged at the same time.
    this.#compare(owner, subject, about);
    const key = keyOf(owner.memoryKey, about);
    if (this.#known.has(key)) return;
    this.#known.set(key, subject);
    const storeKey = storeKeyOf(owner, about);
    if (storeKey !== undefined) await this.#store?.set(storeKey, subject, STORED_MS);
  }

  /** Forgets the subject of the owner's ID-JAGs, because it came from a wrong answer. */
  async forget(owner: SubjectOwner, about: SubjectAbout): Promise<void> {
    const key = keyOf(owner.memoryKey, about);
    this.#known.delete(key);
    this.#loaded.delete(key);
    const storeKey = storeKeyOf(owner, about);
    const stored = storeKey === undefined ? undefined : await this.#store?.get(storeKey);
    if (storeKey !== undefined && stored !== undefined) await this.#store?.delete(storeKey, stored);
  }

  /** Whether this process has seen a token of the owner. */
  knows(owner: SubjectOwner): boolean {
    return this.#known.has(keyOf(owner.memoryKey, {}));
  }

  /** Whether the store has the subject of the owner. */
  async isStored(owner: SubjectOwner): Promise<boolean> {
    const storeKey = storeKeyOf(owner, {});
    return storeKey !== undefined && (await this.#store?.get(storeKey)) !== undefined;
  }

  #compare(owner: SubjectOwner, subject: string, about: SubjectAbout): void {
    const known = this.#known.get(keyOf(owner.memoryKey, about)) ?? this.#loaded.get(keyOf(owner.memoryKey, about));
    if (known !== undefined && known !== subject) throw subjectChanged(owner, about);
  }

  /** What the store had. It becomes known when the IdP accepts a token with this subject, so that its time in the store starts again. */
  readonly #loaded = lruCache<string>(MAX_OWNERS);

  async #load(owner: SubjectOwner, about: SubjectAbout): Promise<void> {
    const key = keyOf(owner.memoryKey, about);
    const storeKey = storeKeyOf(owner, about);
    if (!this.#store || storeKey === undefined || this.#known.has(key) || this.#loaded.has(key)) return;
    const stored = await this.#store.get(storeKey);
    if (stored !== undefined) this.#loaded.set(key, stored);
  }
}

/** The server and the issuer of the authorization server, if the subject is the one of an ID-JAG. */
export interface SubjectAbout {
  readonly server?: string | undefined;
  readonly audience?: string | undefined;
}

/** An IdP may choose another `sub` for each authorization server, and for each resource. */
function partsOf({ server = '', audience }: SubjectAbout): readonly string[] {
  return audience === undefined ? [] : [audience, server];
}

function keyOf(key: string, about: SubjectAbout): string {
  return [key, ...partsOf(about)].join(' ');
}

function storeKeyOf({ storeKey }: SubjectOwner, about: SubjectAbout): string | undefined {
  return storeKey === undefined ? undefined : `${hashOf([storeKey, ...partsOf(about)])}.owner`;
}

/** The issuer and the subject of a JWT as a hash, without a check of its signature. Undefined for an opaque token. */
export function subjectOfToken(token: string): string | undefined {
  const claims = claimsOfToken(token);
  const sub = stringField(claims, 'sub');
  return sub === undefined ? undefined : hashOf([stringField(claims, 'iss') ?? '', sub]);
}

/** The claims of a JWT, without a check of its signature. Undefined for an opaque token. */
export function claimsOfToken(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

export function hashOf(values: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url');
}

function subjectChanged({ shown, isUser }: SubjectOwner, { server, audience }: SubjectAbout): CredenceError {
  const isIdJag = audience !== undefined;
  const what = isIdJag ? `The ID-JAG that the IdP issued for ${shown}` : `The token of ${shown}`;
  return new CredenceError({
    code: 'subject_changed',
    leg: isIdJag ? 'exchange' : 'authenticate',
    message: `${what} has another subject than before, and was not used: ${isUser ? 'an identity is one user' : 'a service principal has one subject'}.`,
    remedy: isUser
      ? 'Pass to onBehalfOf an identity that belongs to one user only, and the token of that user. If the subject of the user has changed, pass another identity.'
      : 'For tokens of several users, call bot.onBehalfOf(getUserToken, { identity }) for each user. If the subject of the bot has changed, give the source another identity, or restart the bot if it has no store.',
    contact: 'you',
    server,
  });
}
