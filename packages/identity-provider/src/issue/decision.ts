import { calling, serverFailure } from '@credence/authorization-server/internals';
import { GrantRefusal } from '@credence/authorization-server';
import { scope } from '@credence/protocol';
import { z } from 'zod';
import type { IssueDraft } from './audit.ts';
import type { IdJagDecision, IdJagGrant, IdJagPolicy, IdJagRequest } from './policy.ts';
import { insufficientAuthentication } from './step-up.ts';

const text = z.string().min(1);
const seconds = z.int().positive();

const grantSchema = z.object({
  granted: z.literal(true),
  clientId: text,
  scopes: z.array(scope).optional(),
  resource: z.union([text, z.array(text)]).optional(),
  subject: text.optional(),
  actorSubject: text.optional(),
  priorAct: z.record(z.string(), z.unknown()).optional(),
  audience: text.optional(),
  lifetimeSeconds: seconds.optional(),
  maxLifetimeSeconds: seconds.optional(),
  algorithm: text.optional(),
  authorizationDetails: z.array(z.looseObject({ type: text })).optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
  reason: z.string().optional(),
});

const denialSchema = z.object({
  granted: z.literal(false),
  /** RFC 6749 section 5.2. */
  error: z.string().regex(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/u),
  reason: z.string(),
  status: text.optional(),
  description: z.string().optional(),
  maxAgeSeconds: z.int().nonnegative().optional(),
  acrValues: z.array(text).optional(),
});

const decisionSchema = z.discriminatedUnion('granted', [grantSchema, denialSchema]);

/** The policy's grant. Throws GrantRefusal where it denies, or breaks. */
export async function decide(
  policy: IdJagPolicy,
  request: IdJagRequest,
  ctx: object,
  draft: IssueDraft,
): Promise<IdJagGrant> {
  const decision = await calling('policy', () => policy(request));
  const fault = decisionFault(decision);
  if (fault !== undefined) throw serverFailure(fault);
  if (decision.granted) return decision;
  const { error, reason, description, status } = decision;
  if (status !== undefined) draft.status = status;
  if (error === 'insufficient_user_authentication') {
    draft.status = status ?? 'authentication_insufficient';
    throw insufficientAuthentication(ctx, decision, reason, description);
  }
  throw new GrantRefusal(error, description ?? 'the policy of this identity provider does not allow it', reason);
}

/**
 * What is wrong with a decision, by the names of its members and never their values; undefined where nothing is. A
 * policy is often a few lines over a map of client ids, and an entry that is missing is no grant.
 */
function decisionFault(decision: IdJagDecision): string | undefined {
  const { error } = decisionSchema.safeParse(decision);
  if (error === undefined) return undefined;
  const members = error.issues.map(({ path }) => path.join('.')).filter((member) => member !== '');
  return members.length === 0
    ? "the policy's answer is no decision"
    : `the policy's decision is not right: ${members.join(', ')}`;
}
