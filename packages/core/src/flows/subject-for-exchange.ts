import type { IdpSettings } from '../settings/settings.ts';
import type { SubjectTokenRotation, SubjectTokenSource, SubjectTokenTarget } from '../subjects/subject.ts';
import type { TypedToken } from '../subjects/user-token.ts';
import type { SingleUse } from './fresh-retry.ts';
import { hashOf, type SubjectOwner } from './known-subjects.ts';
import { keyOf, type SubjectTokens } from './subject-tokens.ts';
import type { UserSession } from './user-session.ts';

/** The subject token and the actor token of one exchange. */
export interface TokensToSend {
  readonly subject: TypedToken;
  readonly actor: TypedToken | undefined;
  /** Whether the subject token was sent before, so that the IdP may accept a new one. */
  readonly isSubjectReused: boolean;
}

/** Says when a token of the bot was dropped because the IdP refused an exchange for a user, and so when the next one may be. */
export interface ActorDrops {
  readonly isAllowed: () => boolean;
  readonly dropped: () => void;
}

/** Where the tokens of an exchange come from. */
export interface SubjectForExchange {
  readonly owner: SubjectOwner;
  readonly actorOwner: SubjectOwner | undefined;
  readonly rotation: SubjectTokenRotation | undefined;
  /** Whether the IdP accepts each subject token only once. */
  readonly singleUse: SingleUse;
  /** Whether another program replaces the subject token, which is in a file. */
  readonly isReplaced: boolean;
  /** `reused`: one of the tokens was sent before. */
  get(signal: AbortSignal): Promise<{ value: TokensToSend; reused: boolean }>;
  /** The IdP refused these tokens. */
  drop(sent: TokensToSend): Promise<void>;
}

interface Parts {
  readonly idp: IdpSettings;
  readonly subjects: SubjectTokens;
  /** The IdP, to which the tokens are sent. */
  readonly target: SubjectTokenTarget;
}

/** The bot is the subject. */
export function subjectOfBot({ idp, subjects, target }: Parts): SubjectForExchange {
  const { subject: source, actor } = idp;
  return {
    owner: ownerOf(idp, source, subjects),
    actorOwner: actor && ownerOf(idp, actor, subjects),
    rotation: source.rotation,
    singleUse: subjects.singleUse,
    isReplaced: source.local === true,
    async get(signal) {
      const [token, actorToken] = await Promise.all([
        subjects.get(source, target, signal),
        actor && subjects.get(actor, target, signal),
      ]);
      return {
        value: {
          subject: { token: token.value, type: source.type },
          actor: typed(actorToken?.value, actor),
          isSubjectReused: token.reused,
        },
        reused: token.reused,
      };
    },
    drop: async (sent) => subjects.drop(source, target, sent.subject.token),
  };
}

/** The user of the session is the subject, and the bot acts for the user. The tokens of the bot are those that it has for itself. */
export function subjectOfUser(
  { idp, subjects, target }: Parts,
  user: UserSession,
  { singleUse, actorDrops }: { singleUse: SingleUse; actorDrops: ActorDrops },
): SubjectForExchange {
  const actor = user.settings.actor === 'client' ? undefined : (idp.actor ?? idp.subject);
  return {
    owner: user.owner,
    actorOwner: actor && ownerOf(idp, actor, subjects),
    rotation: user.rotation,
    isReplaced: false,
    singleUse,
    async get(signal) {
      const [{ token, type, reused }, actorToken] = await Promise.all([
        user.get(signal),
        actor && subjects.get(actor, target, signal),
      ]);
      return {
        value: { subject: { token, type }, actor: typed(actorToken?.value, actor), isSubjectReused: reused },
        // The refusal does not say whether it is about the user's token or about that of the bot, which may be revoked.
        reused: reused || (actorToken?.reused === true && actorDrops.isAllowed()),
      };
    },
    async drop(sent) {
      if (sent.isSubjectReused) user.drop(sent.subject.token);
      if (!actor || !sent.actor || !actorDrops.isAllowed()) return;
      actorDrops.dropped();
      await subjects.drop(actor, target, sent.actor.token);
    },
  };
}

/** The source as the owner of a subject. Two sources with the same kind, type and identity can have two subjects in one process. */
export function ownerOf(
  idp: IdpSettings | undefined,
  source: SubjectTokenSource,
  subjects: Pick<SubjectTokens, 'numberOf'>,
): SubjectOwner {
  const isOwn = source.kind === 'ownToken';
  const storeKey = isOwn ? undefined : hashOf([idp?.issuer ?? '', idp?.credential.clientId ?? '', keyOf(source)]);
  return { memoryKey: `source ${subjects.numberOf(source)}`, storeKey, shown: source.kind, isUser: false };
}

function typed(token: string | undefined, source: SubjectTokenSource | undefined): TypedToken | undefined {
  return token === undefined || source === undefined ? undefined : { token, type: source.type };
}
