import { type IdJagError, ProofReplayUnknownError } from '@credence/protocol';
import { GrantRefusal } from '../grant/refusal.ts';
import { createAuditedSteps } from '../grant/steps.ts';
import type { RequestFacts } from './audit.ts';

/**
 * The refusal of an ID-JAG that failed a check. Its facts for the audit record are the code of the check and, if the signature
 * is valid, the identity in the ID-JAG.
 */
export class IdJagRefusal extends GrantRefusal {
  readonly facts: RequestFacts;

  constructor({ oauthError, message, code, detail, identity }: IdJagError) {
    super(oauthError, message, `${code}${detail === undefined ? '' : `: ${detail}`}`);
    this.facts = {
      code,
      ...(identity !== undefined && { issuer: identity.issuer }),
      ...(identity?.subject !== undefined && { subject: identity.subject }),
      ...(identity?.jwtId !== undefined && { jti: identity.jwtId }),
      ...(code === 'wrong_client' && identity?.clientId !== undefined && { intendedClientId: identity.clientId }),
    };
  }
}

/** The steps of redeeming an ID-JAG. */
export const redemptionSteps = createAuditedSteps<RequestFacts>((error) => {
  if (error instanceof IdJagRefusal) return error.facts;
  return error instanceof ProofReplayUnknownError ? { code: 'replay_unknown' } : {};
});
