import { GrantRefusal } from '@credence/authorization-server';
import type Provider from 'oidc-provider';
import type { IdJagDenial } from './policy.ts';

/** The requirements for the user's next sign-in (RFC 9470 section 3). */
type AuthenticationChallenge = Pick<IdJagDenial, 'maxAgeSeconds' | 'acrValues'>;

const challenges = new WeakMap<object, AuthenticationChallenge>();

/**
 * Returns the refusal `insufficient_user_authentication`. `answerChallenges` adds the requirements to the error response.
 */
export function insufficientAuthentication(
  ctx: object,
  challenge: AuthenticationChallenge,
  reason: string,
  description = 'the user has to authenticate again, as the response says',
): GrantRefusal {
  challenges.set(ctx, challenge);
  return new GrantRefusal('insufficient_user_authentication', description, reason);
}

/** Adds `max_age` and `acr_values` to error responses, because errors of oidc-provider have no members for them. */
export function answerChallenges(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next();
    const challenge = challenges.get(ctx);
    const body: unknown = ctx.body;
    if (challenge === undefined || typeof body !== 'object' || body === null) return;
    const { maxAgeSeconds, acrValues = [] } = challenge;
    ctx.body = {
      ...body,
      ...(maxAgeSeconds !== undefined && { max_age: maxAgeSeconds }),
      ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
    };
  });
}
