import type { CredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';
import { callsGetter } from '../subjects/from-getter.ts';
import { ActorCheck } from './actor-check.ts';
import { checkSubjectOfGetter } from './caller-subject.ts';
import type { IdJag } from './exchange.ts';
import type { IdJagSubjects } from './id-jag-subjects.ts';
import { claimsOfToken, hashOf, type KnownSubjects, type SubjectOwner, subjectOfToken } from './known-subjects.ts';
import { type IdJagContext, refusedIdJag } from './refused-id-jag.ts';
import { ownerOf, type SubjectForExchange, type TokensToSend } from './subject-for-exchange.ts';
import type { SubjectTokens } from './subject-tokens.ts';
import type { UserSession } from './user-session.ts';

/** The tokens of one exchange, and the authorization server for which an ID-JAG is requested. */
export interface Exchanged {
  readonly subject: SubjectForExchange;
  readonly sent: TokensToSend;
  readonly audience: string;
}

interface Shared {
  readonly subjects: SubjectTokens;
  readonly known: KnownSubjects;
  readonly idJagSubjects: IdJagSubjects;
}

/**
 * Compares the subjects of the tokens and of the ID-JAGs of one server: an ID-JAG is used only if nothing that is known shows that it is the
 * answer to another exchange. The IdP, or a proxy in front of it, may mix up answers.
 */
export class SubjectChecks {
  readonly #idp: IdpSettings;
  readonly #server: ServerSettings;
  readonly #tokens: SubjectTokens;
  readonly #known: KnownSubjects;
  readonly #idJagSubjects: IdJagSubjects;
  readonly #actors: ActorCheck;

  constructor(runtime: Runtime, { idp, server }: { idp: IdpSettings; server: ServerSettings }, shared: Shared) {
    this.#idp = idp;
    this.#server = server;
    this.#tokens = shared.subjects;
    this.#known = shared.known;
    this.#idJagSubjects = shared.idJagSubjects;
    this.#actors = new ActorCheck(runtime);
  }

  /**
   * Runs the exchange. Throws `subject_changed` if a token, or the ID-JAG, has another subject than before, and `invalid_id_jag` if the
   * ID-JAG has the subject or the actor of another exchange. Remembers the subjects, because the IdP has accepted the tokens.
   */
  async around(user: UserSession | undefined, exchanged: Exchanged, exchange: () => Promise<IdJag>): Promise<IdJag> {
    const { subject, sent, audience } = exchanged;
    if (user && this.#idJagSubjects.isMixedUp(audience, user.owner.memoryKey)) throw this.#mixedUp(user, audience);
    await this.#checkTokens(exchanged);
    if (user) this.#idJagSubjects.actsForUsers = true;
    const tokenSubject = subjectOfToken(sent.subject.token);
    const ended = user && tokenSubject !== undefined ? this.#idJagSubjects.sending(tokenSubject) : undefined;
    let isAccepted = false;
    try {
      const idJag = await exchange();
      isAccepted = true;
      const about = { server: this.#server.name, audience };
      await this.#known.check(subject.owner, hashOf([idJag.subject]), about);
      if (user) await this.#checkOfUser(user, exchanged, idJag);
      else this.#checkOfBot(exchanged, idJag);
      await this.#remember(exchanged, idJag);
      if (user) await this.#claim(user, exchanged, idJag);
      else this.#idJagSubjects.addOfBot(audience, idJag.subject);
      return idJag;
    } finally {
      ended?.({ isAccepted });
    }
  }

  /** Why an ID-JAG must not be used any more. Undefined if it may be. */
  refusalOf(user: UserSession | undefined, assertion: string): CredenceError | undefined {
    const { aud, sub } = claimsOfToken(assertion) ?? {};
    const audience = Array.isArray(aud) ? String(aud[0]) : String(aud);
    if (user) {
      return this.#idJagSubjects.isMixedUp(audience, user.owner.memoryKey) ? this.#mixedUp(user, audience) : undefined;
    }
    return this.#idJagSubjects.isRefusedForBot(audience, String(sub)) ? this.#ofUser() : undefined;
  }

  /** Before a token of the store is used: throws `subject_changed` if the getter's token has another subject. */
  async checkSubject(signal: AbortSignal): Promise<void> {
    const owner = this.#ownerOfBot();
    if (!callsGetter(this.#idp.subject) || this.#known.knows(owner) || !(await this.#known.isStored(owner))) return;
    await this.checkCaller(signal);
  }

  /** Throws `subject_changed` if the getter returns a token of another subject for this caller. */
  async checkCaller(signal: AbortSignal | undefined): Promise<void> {
    const source = this.#idp.subject;
    if (!callsGetter(source)) return;
    await checkSubjectOfGetter(source, { owner: this.#ownerOfBot(), tokens: this.#tokens, known: this.#known }, signal);
  }

  async #checkTokens({ subject, sent: { subject: own, actor } }: Exchanged): Promise<void> {
    await this.#known.check(subject.owner, subjectOfToken(own.token));
    if (actor && subject.actorOwner) await this.#known.check(subject.actorOwner, subjectOfToken(actor.token));
  }

  #checkOfBot({ sent, audience }: Exchanged, { subject, actor }: IdJag): void {
    const isOfOther = this.#idJagSubjects.isOfUserToken(this.#atIdp(subject)) && !this.#isOfToken(sent, subject);
    if (this.#idJagSubjects.isRefusedForBot(audience, subject) || isOfOther) throw this.#ofUser();
    // The IdP may repeat the actor of the subject token, or name the client as the actor of each exchange.
    if (actor === undefined || sent.actor || claimsOfToken(sent.subject.token)?.['act'] !== undefined) return;
    const isOwn = this.#isOfToken(sent, subject) || this.#namesOfBot(sent).includes(subject);
    if (isOwn || !this.#idJagSubjects.actsForUsers) return;
    throw refusedIdJag(
      this.#context(undefined),
      '"act" names an actor, but the exchange contained no actor_token',
      "The answer to the request of a user may have been mixed up with this one. If the IdP states an actor for each exchange: call bot.onBehalfOf(getUserToken, { identity, actor: 'client' }) for tokens of users, or set idp.actor for a token of the bot.",
    );
  }

  async #checkOfUser(user: UserSession, exchanged: Exchanged, { subject, actor: act }: IdJag): Promise<void> {
    const { sent, audience } = exchanged;
    const context = this.#context(user);
    const isOfToken = this.#isOfToken(sent, subject);
    const isOfBot = this.#idJagSubjects.isOfBot(audience, subject);
    if (isOfBot && isOfToken && !this.#namesOfBot(sent).includes(subject)) await this.#takeFromBot(audience, subject);
    if (isOfBot || this.#namesOfBot(sent).includes(subject)) {
      throw refusedIdJag(context, '"sub" is the bot itself, not the user');
    }
    const isTokenOfIdp = claimsOfToken(sent.subject.token)?.['iss'] === this.#idp.issuer;
    if (isTokenOfIdp && !isOfToken && this.#idJagSubjects.isOfUserToken(this.#atIdp(subject))) {
      throw refusedIdJag(context, '"sub" belongs to another user');
    }
    this.#actors.check(
      {
        act,
        subject,
        isSubjectOfToken: isOfToken,
        userToken: sent.subject.token,
        actorToken: sent.actor?.token,
        actorIssuer: this.#issuerOfActor(sent),
        clientIds: this.#clientIds(),
        settings: user.settings,
        audience,
        isBot: (name) => this.#idJagSubjects.isOfBot(audience, name),
        isUser: (name) => this.#idJagSubjects.isOfUserToken(this.#atIdp(name)),
      },
      context,
    );
  }

  async #remember({ subject, sent, audience }: Exchanged, idJag: IdJag): Promise<void> {
    const server = this.#server.name;
    await this.#known.remember(subject.owner, subjectOfToken(sent.subject.token), { server });
    await this.#known.remember(subject.owner, hashOf([idJag.subject]), { server, audience });
    if (sent.actor && subject.actorOwner) {
      await this.#known.remember(subject.actorOwner, subjectOfToken(sent.actor.token), { server });
    }
  }

  /** Two users have the same `sub`, so one of the two answers was wrong, and it is not known which. */
  async #claim(user: UserSession, { subject, sent, audience }: Exchanged, idJag: IdJag): Promise<void> {
    const owner = user.owner.memoryKey;
    const tokenSubject = subjectOfToken(sent.subject.token);
    const other = this.#idJagSubjects.claim(audience, idJag.subject, {
      owner,
      tokenSubject,
      server: this.#server.name,
    });
    if (!other) return;
    // After a restart the first right answer counts.
    const otherOwner: SubjectOwner = { ...subject.owner, memoryKey: other.owner, storeKey: other.owner };
    await Promise.all([
      this.#known.forget(subject.owner, { server: this.#server.name, audience }),
      this.#known.forget(otherOwner, { server: other.server, audience }),
    ]);
    throw this.#mixedUp(user, audience);
  }

  /** The bot has the `sub` of the user's own token: the answer to the bot was wrong. */
  async #takeFromBot(audience: string, subject: string): Promise<void> {
    this.#idJagSubjects.takeFromBot(audience, subject);
    await this.#known.forget(this.#ownerOfBot(), { server: this.#server.name, audience });
  }

  #mixedUp(user: UserSession, audience: string): CredenceError {
    return refusedIdJag(
      this.#context(user),
      `"sub" belongs to another user, too: the IdP gave two users the same "sub" at ${audience}`,
      'Ask the administrator of the IdP which answers were mixed up. Both users are refused at this authorization server until the bot is restarted.',
    );
  }

  #ofUser(): CredenceError {
    return refusedIdJag(this.#context(undefined), '"sub" belongs to a user, not to the bot');
  }

  #context(user: UserSession | undefined): IdJagContext {
    return { idpIssuer: this.#idp.issuer, server: this.#server.name, user: user?.owner.shown };
  }

  /** Whether the ID-JAG has the `sub` of the subject token, and the token is one of the IdP. */
  #isOfToken({ subject: { token } }: TokensToSend, subject: string): boolean {
    return subjectOfToken(token) === this.#atIdp(subject);
  }

  #atIdp(subject: string): string {
    return hashOf([this.#idp.issuer, subject]);
  }

  /** A token that the bot gets as a client is one of the IdP, or of the issuer in the configuration. */
  #issuerOfActor({ actor }: TokensToSend): string | undefined {
    const source = this.#idp.actor ?? this.#idp.subject;
    return actor && source.kind === 'ownToken' ? (source.issuer ?? this.#idp.issuer) : undefined;
  }

  #clientIds(): readonly string[] {
    return [this.#idp.credential.clientId, this.#server.credential.clientId];
  }

  /** The client id of the bot at the IdP, and the `sub` of its own token if that is a JWT. */
  #namesOfBot({ actor }: TokensToSend): readonly unknown[] {
    return [this.#idp.credential.clientId, actor && claimsOfToken(actor.token)?.['sub']];
  }

  #ownerOfBot(): SubjectOwner {
    return ownerOf(this.#idp, this.#idp.subject, this.#tokens);
  }
}
