import { isObject, TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_JWT } from '@credence/protocol';
import { GrantRefusal } from '@credence/authorization-server';
import type { IdJagGrant, IdJagRequest } from './policy.ts';
import { subjectTokenVerifiers } from './subject-tokens/index.ts';
import type { SubjectTokenContext, VerifiedSubject } from './subject-tokens/subject-token.ts';

/** The token types that can be an actor token of a principal. A refresh token cannot, because it identifies a user. */
export const ACTOR_TOKEN_TYPES: readonly string[] = [TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_JWT];

export interface ActorToken {
  readonly token: string;
  readonly type: string;
}

/**
 * Verifies the actor token of a request (RFC 8693 sections 2.1 and 4.1). The ID-JAG draft leaves actor tokens to profiles, and
 * warns of an attacker who combines a valid subject token with the actor token of another party. So the actor must be the
 * requesting client itself: its actor token is checked like a subject token of this client, and the subject must be a user of
 * this client.
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
    throw new GrantRefusal('invalid_grant', 'the actor token is not valid', 'the actor token identifies a user');
  }
  return { subject: verified.subject, tokenType: actor.type };
}

/**
 * The `act` claim of a user's subject token: the earlier actors. The `act` claim of a workload JWT is ignored, because its names
 * are not principals of this provider.
 */
export function priorAct({ subjectKind, claims }: IdJagRequest): Record<string, unknown> | undefined {
  const { act } = claims;
  return subjectKind === 'user' && isObject(act) ? { ...act } : undefined;
}

/** The `act` claim of the ID-JAG: the actor, with the earlier actors nested in it (RFC 8693 section 4.1). */
export function actClaim(request: IdJagRequest, grant: IdJagGrant): Record<string, unknown> | undefined {
  const tokenAct = priorAct(request);
  const earlierActors = tokenAct && { ...(grant.priorAct ?? tokenAct) };
  if (request.actor === undefined) return earlierActors;
  return { sub: grant.actorSubject ?? request.actor.subject, ...(earlierActors && { act: earlierActors }) };
}
