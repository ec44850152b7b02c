import { isObject, TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_JWT } from '@credence/protocol';
import { GrantRefusal } from '@credence/authorization-server';
import type { IdJagGrant, IdJagRequest } from './policy.ts';
import { subjectTokenVerifiers } from './subject-tokens/index.ts';
import type { SubjectTokenContext, VerifiedSubject } from './subject-tokens/subject-token.ts';

/** What can prove a principal to be an actor. A refresh token cannot: it stands for a user. */
export const ACTOR_TOKEN_TYPES: readonly string[] = [TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_JWT];

export interface ActorToken {
  readonly token: string;
  readonly type: string;
}

/**
 * Who acts for the user (RFC 8693 sections 2.1 and 4.1). The draft leaves actor tokens to profiles and warns of a valid
 * subject token joined with somebody else's actor token. So here the actor is the calling client itself and nobody
 * else: its actor token is held to everything a subject token of its own is, and the subject is a user of this client.
 */
export async function verifyActor(
  actor: ActorToken,
  subject: VerifiedSubject,
  context: SubjectTokenContext,
): Promise<NonNullable<IdJagRequest['actor']>> {
  if (subject.subjectKind !== 'user') {
    throw new GrantRefusal('invalid_request', 'actor_token is for a principal that acts for a user');
  }
  const verify = subjectTokenVerifiers.get(actor.type);
  if (verify === undefined) throw new GrantRefusal('invalid_request', 'actor_token_type is not supported');
  let verified: VerifiedSubject;
  try {
    verified = await verify(actor.token, context);
  } catch (error) {
    if (!(error instanceof GrantRefusal) || error.error !== 'invalid_grant') throw error;
    throw new GrantRefusal('invalid_grant', 'the actor token is not valid', `as actor token: ${error.reason}`);
  }
  if (verified.subjectKind !== 'principal') {
    throw new GrantRefusal('invalid_grant', 'the actor token is not valid', 'the actor token stands for a user');
  }
  return { subject: verified.subject, tokenType: actor.type };
}

/** The `act` of a user's subject token: who acted already. What a platform says of its workloads names nobody here. */
export function priorAct({ subjectKind, claims }: IdJagRequest): Record<string, unknown> | undefined {
  const { act } = claims;
  return subjectKind === 'user' && isObject(act) ? { ...act } : undefined;
}

/** The `act` claim: the actor, and inside it whoever acted before (RFC 8693 section 4.1). */
export function actClaim(request: IdJagRequest, grant: IdJagGrant): Record<string, unknown> | undefined {
  const known = priorAct(request);
  const before = known && { ...(grant.priorAct ?? known) };
  if (request.actor === undefined) return before;
  return { sub: grant.actorSubject ?? request.actor.subject, ...(before !== undefined && { act: before }) };
}
