import { lruCache } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { actorName } from './id-jag.ts';
import { hashOf } from './known-subjects.ts';
import type { UserSession } from './user-session.ts';

const MAX_SUBJECTS = 5_000;
const MAX_AUDIENCES = 1_000;

/** What is compared: the ID-JAG, and the tokens that were sent for it. */
export interface UserIdJag {
  readonly subject: string;
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  readonly session: UserSession;
  /** The issuer and the subject of the user's token as a hash, if it is a JWT of the IdP. */
  readonly tokenSubject: string | undefined;
  /** The names of the bot at the IdP: its client id, and the `sub` of its own token if that is a JWT. */
  readonly botNames: readonly string[];
  /** Whether an ID-JAG of the bot itself for this authorization server had the same `sub`. */
  readonly isSubjectOfBot: boolean;
  readonly audience: string;
  readonly server: string;
  readonly idpIssuer: string;
}

/**
 * Checks that an ID-JAG has the user as its subject and the bot as its actor (RFC 8693 section 4.1). The `sub` of an ID-JAG may be a
 * pseudonym for each authorization server, so it is not compared with the `sub` of the user's token. It is compared with the ID-JAGs for
 * other users and for the bot.
 */
export class UserIdJags {
  readonly #runtime: Runtime;
  /** By authorization server and `sub`: the user's token, as a hash of its issuer and subject. */
  readonly #userOf = lruCache<string>(MAX_SUBJECTS);
  /** By authorization server: the name of the bot in `act`, if it is a pseudonym. */
  readonly #actorAt = lruCache<string>(MAX_AUDIENCES);

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Throws `invalid_id_jag`. */
  check(idJag: UserIdJag): void {
    const { subject, botNames, tokenSubject, audience } = idJag;
    if (botNames.includes(subject) || idJag.isSubjectOfBot) {
      throw invalid(idJag, '"sub" is the bot itself, not the user');
    }
    this.#checkActor(idJag);
    if (tokenSubject === undefined) return;
    const key = hashOf([audience, subject]);
    const user = this.#userOf.get(key) ?? tokenSubject;
    if (user !== tokenSubject) throw invalid(idJag, '"sub" is the one of another user');
    this.#userOf.set(key, user);
  }

  #checkActor(idJag: UserIdJag): void {
    const { actor, subject, botNames, audience, server } = idJag;
    if (actor === undefined) return this.#withoutActor(idJag);
    const name = actorName(actor);
    if (name === undefined || name === '') throw invalid(idJag, '"act" names no actor');
    if (name === subject) throw invalid(idJag, '"act" names the user, not the bot');
    if (botNames.includes(name)) return;
    const key = hashOf([audience, server]);
    const known = this.#actorAt.get(key) ?? name;
    if (known !== name) throw invalid(idJag, '"act" names another actor than in earlier ID-JAGs');
    this.#actorAt.set(key, known);
  }

  #withoutActor(idJag: UserIdJag): void {
    const { session, server } = idJag;
    if (session.settings.missingActor === 'refuse') {
      throw invalid(
        idJag,
        '"act" is missing, so the server could not see that the bot acts for the user',
        `${session.settings.actor === 'client' ? "Leave out actor: 'client' of onBehalfOf, so that a token of the bot is sent; or ask" : 'Ask'} whether the IdP can issue ID-JAGs with the claim act (RFC 8693 section 4.1). If it cannot, set missingActor: 'warn' in onBehalfOf: the server then sees the bot only as the client.`,
      );
    }
    this.#runtime.emit({
      type: 'warning',
      code: 'missing_actor',
      leg: 'exchange',
      server,
      message: `The ID-JAG for server "${server}" does not say that the bot acts for the user: "act" is missing.`,
      remedy: 'Ask whether the IdP can issue ID-JAGs with the claim act (RFC 8693 section 4.1).',
    });
  }
}

function invalid({ idpIssuer, server, session }: UserIdJag, why: string, remedy?: string): CredenceError {
  return new CredenceError({
    code: 'invalid_id_jag',
    leg: 'exchange',
    message: `The ID-JAG that ${idpIssuer} issued for server "${server}" and ${session.owner.shown} was not sent on: ${why}.`,
    remedy:
      remedy ??
      'Ask how the IdP chooses the subject and the actor of an ID-JAG; another answer may have been mixed up with this one.',
    contact: 'idp-admin',
    server,
    issuer: idpIssuer,
  });
}
