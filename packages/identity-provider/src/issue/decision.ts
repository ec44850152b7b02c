import { callCallback, serverFailure } from '@credence/authorization-server/internals';
import { GrantRefusal } from '@credence/authorization-server';
import { isAbsoluteUri, scope } from '@credence/protocol';
import { z } from 'zod';
import type { IdJagDecision, IdJagDenial, IdJagPolicy, IdJagRequest } from './policy.ts';
import { insufficientAuthentication } from './step-up.ts';

const text = z.string().min(1);
const seconds = z.int().positive();
const uri = z.string().refine(isAbsoluteUri);

const grantSchema = z.object({
  granted: z.literal(true),
  clientId: text,
  scopes: z.array(scope).optional(),
  resource: z.union([uri, z.array(uri)]).optional(),
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

/** Calls the policy. Throws GrantRefusal `server_error` if the policy throws or returns an invalid decision. */
export async function decide(policy: IdJagPolicy, request: IdJagRequest): Promise<IdJagDecision> {
  const decision = await callCallback('policy', () => policy(request));
  const fault = decisionFault(decision);
  if (fault !== undefined) throw serverFailure(fault);
  return decision;
}

/** The status of a denial for the audit record. */
export function denialStatus({ status, error }: IdJagDenial): NonNullable<IdJagDenial['status']> {
  return status ?? (error === 'insufficient_user_authentication' ? 'authentication_insufficient' : 'denied_by_policy');
}

/** The refusal that is sent for a request that the policy denies. */
export function denialRefusal(denial: IdJagDenial, ctx: object): GrantRefusal {
  const { error, reason, description } = denial;
  if (error === 'insufficient_user_authentication') return insufficientAuthentication(ctx, denial, reason, description);
  return new GrantRefusal(error, description ?? 'the policy of this identity provider does not allow it', reason);
}

/**
 * The names of the invalid members of a decision, without their values, as a reason for the audit record. Undefined if the
 * decision is valid. A policy that looks up a client id in a map can return undefined, which must not become a grant.
 */
function decisionFault(decision: IdJagDecision): string | undefined {
  const { error } = decisionSchema.safeParse(decision);
  if (error === undefined) return undefined;
  const members = error.issues.map(({ path }) => path.join('.')).filter((member) => member !== '');
  return members.length === 0
    ? 'the policy returned no decision'
    : `the policy's decision is invalid: ${members.join(', ')}`;
}
