import { actorName, lruCache, stringField } from '@credence/protocol';
import type { Runtime } from '../runtime/runtime.ts';
import { claimsOfToken, hashOf } from './known-subjects.ts';
import { type IdJagContext, refusedIdJag } from './refused-id-jag.ts';
import type { UserSettings } from './user-session.ts';

const MAX_ACTORS = 1_000;

/** The claim `act` of an ID-JAG for a user, and what is known of the bot. */
export interface ActorToCheck {
  readonly act: Readonly<Record<string, unknown>> | undefined;
  readonly subject: string;
  /** Whether the IdP has written the `sub` of the user's token into the ID-JAG, and so no pseudonyms. */
  readonly isSubjectOfToken: boolean;
  readonly userToken: string;
  readonly actorToken: string | undefined;
  /** The issuer of the actor token by the configuration, if the bot gets it as a client. */
  readonly actorIssuer: string | undefined;
  /** The client ids of the bot, at the IdP and at the authorization server. */
  readonly clientIds: readonly string[];
  readonly settings: UserSettings;
  readonly audience: string;
  /** Whether an ID-JAG of the bot itself had this `sub`. */
  readonly isBot: (name: string) => boolean;
  /** Whether a user of this process has this `sub` at the IdP. */
  readonly isUser: (name: string) => boolean;
}

/**
 * Checks that an ID-JAG for a user names the bot as its actor (RFC 8693 section 4.1). The bot is known by its client ids, by `sub` and `iss`
 * of its own token if that is a JWT, and by what earlier ID-JAGs named. A name that may be a pseudonym of the bot is reported once.
 */
export class ActorCheck {
  readonly #runtime: Runtime;
  /** By authorization server, server and way of naming the bot: the name in `act`. */
  readonly #named = lruCache<string>(MAX_ACTORS);
  readonly #warned = new Set<string>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Throws `invalid_id_jag`. */
  check(checked: ActorToCheck, context: IdJagContext): void {
    const { act, subject, settings, audience } = checked;
    if (act === undefined) return this.#withoutActor(settings, context);
    const name = actorName(act);
    if (name === undefined || name === '') throw refusedIdJag(context, '"act" names no actor');
    if (name === subject) throw refusedIdJag(context, '"act" names the user, not the bot');
    const bot = botOf(checked);
    const key = hashOf([audience, context.server, settings.actor]);
    const isBot = bot.names.includes(name) || checked.isBot(name);
    if (!isBot) {
      const isKnownAsOther = bot.tokenIssuer === context.idpIssuer && checked.isSubjectOfToken;
      if (isKnownAsOther || checked.isUser(name)) {
        throw refusedIdJag(context, '"act" names another actor than the bot');
      }
      const before = this.#named.get(key);
      if (before !== undefined && before !== name) {
        throw refusedIdJag(context, '"act" names another actor than in earlier ID-JAGs');
      }
    }
    const issuer = act['iss'];
    const isIssuerKnown = issuer === undefined || issuer === context.idpIssuer || issuer === bot.issuer;
    if (!isIssuerKnown && (checked.actorToken === undefined || bot.issuer !== undefined)) {
      throw refusedIdJag(context, '"act" names an actor of another issuer');
    }
    this.#named.set(key, name);
    if (!isBot) {
      this.#warn(context, 'names an actor that Credence does not know as the bot; it may be a pseudonym of the bot');
    }
    if (!isIssuerKnown) this.#warn(context, 'names an actor of an issuer that Credence does not know');
    if (act['act'] !== undefined && !hasActor(checked.userToken, act['act'])) {
      this.#warn(context, "names an earlier actor that the user's token does not name");
    }
  }

  #withoutActor({ missingActor, actor }: UserSettings, context: IdJagContext): void {
    if (missingActor === 'refuse') {
      throw refusedIdJag(
        context,
        '"act" is missing, so the server could not see that the bot acts for the user',
        `${actor === 'client' ? "Leave out actor: 'client' of onBehalfOf, so that a token of the bot is sent; or ask" : 'Ask'} whether the IdP can issue ID-JAGs with the claim act (RFC 8693 section 4.1). If it cannot, set missingActor: 'warn' in onBehalfOf: the server then sees the bot only as the client.`,
      );
    }
    const { server } = context;
    this.#runtime.emit({
      type: 'warning',
      code: 'missing_actor',
      leg: 'exchange',
      server,
      message: `The ID-JAG for server "${server}" does not say that the bot acts for the user: "act" is missing.`,
      remedy: 'Ask whether the IdP can issue ID-JAGs with the claim act (RFC 8693 section 4.1).',
    });
  }

  #warn({ server }: IdJagContext, what: string): void {
    if (this.#warned.has(what)) return;
    this.#warned.add(what);
    this.#runtime.emit({
      type: 'warning',
      code: 'unknown_actor',
      leg: 'exchange',
      server,
      message: `"act" of an ID-JAG for server "${server}" ${what}.`,
      remedy: 'Ask the administrator of the IdP how it names the bot in the claim act (RFC 8693 section 4.1).',
    });
  }
}

/** What is known of the bot: its names, and the issuer of its token. */
function botOf({ actorToken, actorIssuer, clientIds }: ActorToCheck): {
  readonly names: readonly string[];
  /** The issuer of the token if its `sub` is known. */
  readonly tokenIssuer: string | undefined;
  readonly issuer: string | undefined;
} {
  const claims = actorToken === undefined ? undefined : claimsOfToken(actorToken);
  const sub = stringField(claims, 'sub');
  if (sub === undefined) return { names: clientIds, tokenIssuer: undefined, issuer: actorIssuer };
  const tokenIssuer = stringField(claims, 'iss');
  return { names: [...clientIds, sub], tokenIssuer, issuer: tokenIssuer ?? actorIssuer };
}

/** Whether the claim `act` of the token is this one. */
function hasActor(token: string, act: unknown): boolean {
  const own = claimsOfToken(token)?.['act'];
  return own !== undefined && JSON.stringify(own) === JSON.stringify(act);
}
