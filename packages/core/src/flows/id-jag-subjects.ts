import { lruCache } from '@credence/protocol';
import { hashOf } from './known-subjects.ts';

const MAX_SUBJECTS = 5_000;
const MAX_OF_BOT = 1_000;

/** A user for whom an ID-JAG was issued. */
export interface Claimant {
  /** The key of the user's identity. */
  readonly owner: string;
  /** The issuer and the subject of the user's token, as a hash. Undefined for an opaque token. */
  readonly tokenSubject: string | undefined;
  /** The MCP server for which it was issued. */
  readonly server: string;
}

/** Called when the access tokens of a user, or of the bot (undefined), at an authorization server must not be used any more. */
export type DropTokens = (owner: string | undefined, audience: string) => void;

/**
 * The `sub` of the ID-JAGs of a bot and of its users, at each authorization server. A `sub` may be a pseudonym, so it is compared with the
 * `sub` of other ID-JAGs, and with the `sub` of the tokens of other users, to which a `sub` that is no pseudonym is equal. Shared by
 * all flows of a bot, in memory, as hashes.
 */
export class IdJagSubjects {
  readonly #claims = lruCache<Claimant>(MAX_SUBJECTS);
  readonly #ofBot = lruCache<true>(MAX_OF_BOT);
  /** What the bot got by a wrong answer. */
  readonly #notOfBot = lruCache<true>(MAX_OF_BOT);
  /** The users and authorization servers for which answers were mixed up. */
  readonly #mixedUp = lruCache<true>(MAX_SUBJECTS);
  /** The issuers and subjects of the users' tokens that the IdP has accepted. */
  readonly #accepted = lruCache<true>(MAX_SUBJECTS);
  /** The same of the tokens that are being exchanged, with their number. */
  readonly #sent = new Map<string, number>();
  readonly #drops: DropTokens[] = [];
  /** Whether the bot has acted for a user. Without users no answer can be mixed up with one of a user. */
  actsForUsers = false;

  onDrop(drop: DropTokens): void {
    this.#drops.push(drop);
  }

  /** A user's token with this subject is sent to the IdP. Returns a function that must be called with the outcome. */
  sending(tokenSubject: string): (outcome: { readonly isAccepted: boolean }) => void {
    this.#sent.set(tokenSubject, (this.#sent.get(tokenSubject) ?? 0) + 1);
    return ({ isAccepted }) => {
      if (isAccepted) this.#accepted.set(tokenSubject, true);
      const left = (this.#sent.get(tokenSubject) ?? 1) - 1;
      if (left > 0) this.#sent.set(tokenSubject, left);
      else this.#sent.delete(tokenSubject);
    };
  }

  /** Whether this is the issuer and the subject of the token of a user of this process. */
  isOfUserToken(tokenSubject: string): boolean {
    return this.#accepted.has(tokenSubject) || this.#sent.has(tokenSubject);
  }

  /** Whether an ID-JAG of the bot itself had this `sub`. */
  isOfBot(audience: string, subject: string): boolean {
    return this.#ofBot.has(hashOf([audience, subject]));
  }

  /** Whether the bot itself must not have this `sub`: it is the one of a user. */
  isRefusedForBot(audience: string, subject: string): boolean {
    const key = hashOf([audience, subject]);
    return this.#claims.has(key) || this.#notOfBot.has(key);
  }

  addOfBot(audience: string, subject: string): void {
    this.#ofBot.set(hashOf([audience, subject]), true);
  }

  /** The bot had the `sub` of a user by a wrong answer. Its tokens are dropped. */
  takeFromBot(audience: string, subject: string): void {
    const key = hashOf([audience, subject]);
    this.#ofBot.delete(key);
    this.#notOfBot.set(key, true);
    for (const drop of this.#drops) drop(undefined, audience);
  }

  /**
   * Records that the user has this `sub`. If another user has it, the tokens of both are dropped, and `isMixedUp` is true for both.
   * Returns the other one. Two identities with tokens of the same subject are one user.
   */
  claim(audience: string, subject: string, claimant: Claimant): Claimant | undefined {
    const key = hashOf([audience, subject]);
    const other = this.#claims.get(key);
    if (!other || isSame(other, claimant)) {
      this.#claims.set(key, claimant);
      return undefined;
    }
    for (const { owner } of [claimant, other]) {
      this.#mixedUp.set(hashOf([audience, owner]), true);
      for (const drop of this.#drops) drop(owner, audience);
    }
    return other;
  }

  isMixedUp(audience: string, owner: string): boolean {
    return this.#mixedUp.has(hashOf([audience, owner]));
  }
}

function isSame(a: Claimant, b: Claimant): boolean {
  return a.owner === b.owner || (a.tokenSubject !== undefined && a.tokenSubject === b.tokenSubject);
}
