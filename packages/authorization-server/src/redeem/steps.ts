import { type IdJagError, ProofReplayUnknownError } from '@credence/protocol';
import { GrantRefusal } from '../grant/refusal.ts';
import { createSteps } from '../grant/steps.ts';
import type { KnownRedemption } from './audit.ts';

/** An ID-JAG that did not pass a check; the record says which, and what the ID-JAG says if its signature is verified. */
export class IdJagRefusal extends GrantRefusal {
  readonly known: KnownRedemption;

  constructor({ oauthError, message, code, detail, identity }: IdJagError) {
    super(oauthError, message, `${code}${detail === undefined ? '' : `: ${detail}`}`);
    this.known = {
      code,
      ...(identity !== undefined && { issuer: identity.issuer }),
      ...(identity?.subject !== undefined && { subject: identity.subject }),
      ...(identity?.jwtId !== undefined && { jti: identity.jwtId }),
      ...(code === 'wrong_client' && identity?.clientId !== undefined && { intendedClientId: identity.clientId }),
    };
  }
}

export const redemptionSteps = createSteps<KnownRedemption>((error) => {
  if (error instanceof IdJagRefusal) return error.known;
  return error instanceof ProofReplayUnknownError ? { code: 'replay_unknown' } : {};
});
