import { checkedElsewhere, checkKeySource, checkShape, type TrustedIssuer } from '@credence/protocol';
import { z } from 'zod';
/**
 * A condition for a claim: the value, a list of accepted values, or a function that returns whether it accepts the value. For an
 * absent claim the function gets `undefined`; the other kinds of conditions fail.
 */
export type ClaimCondition =
  string | number | boolean | readonly (string | number | boolean)[] | ((value: unknown) => boolean);

/** A rule that maps workloads of a platform to a principal. */
export interface WorkloadRule {
  /** The principal's client id at this provider. Only this client may send the workload's token. */
  readonly clientId: string;
  /**
   * Conditions for the token's claims. All must be met, and at least one is required. A public platform (GitHub Actions) issues
   * tokens to everybody. So use claims that no other workload can have: `sub`, or ids rather than names that others can register
   * later.
   */
  readonly claims: Readonly<Record<string, ClaimCondition>>;
}

/** A platform whose workload JWTs identify service principals: GitHub Actions, Kubernetes, SPIFFE or a cloud. */
export interface WorkloadPlatform extends Pick<TrustedIssuer, 'jwks' | 'jwksUri' | 'algorithms'> {
  /** The required `aud`, as the only value. Default: this provider's issuer identifier. */
  readonly audience?: string | undefined;
  /** The rules that map workloads to principals. A workload that matches no rule is refused. */
  readonly workloads: readonly WorkloadRule[];
  /** The longest lifetime of an accepted token, in seconds. Default: one day. */
  readonly maxLifetimeSeconds?: number | undefined;
}

export const DEFAULT_WORKLOAD_LIFETIME_SECONDS = 86_400;

const value = z.union([z.string(), z.number(), z.boolean()]);
const condition = z.union([value, z.array(value).min(1), z.custom((each) => typeof each === 'function')]);
const platformSchema = z.strictObject({
  audience: z.string().min(1).optional(),
  workloads: z
    .array(
      z.strictObject({
        clientId: z.string().min(1),
        claims: z
          .record(z.string(), condition)
          .refine(
            (claims) => Object.keys(claims).length > 0,
            'a rule without conditions would match everybody on the platform',
          ),
      }),
    )
    .min(1),
  maxLifetimeSeconds: z.int().positive().optional(),
  algorithms: z.array(z.string()).min(1).optional(),
  jwks: checkedElsewhere,
  jwksUri: z.string().optional(),
});

/** Throws a TypeError for invalid platforms. */
export function checkWorkloadPlatforms(platforms: Readonly<Record<string, WorkloadPlatform>>, ownIssuer: string): void {
  for (const [issuer, platform] of Object.entries(platforms)) {
    if (issuer === ownIssuer) {
      // tokens that this provider signs for other parties (ID-JAGs, access tokens) must never be accepted as workload JWTs
      throw new TypeError('addIdJagExchange: the provider cannot be a workload platform of itself');
    }
    const where = `addIdJagExchange: workloadPlatforms["${issuer}"]`;
    checkShape(where, platformSchema, platform);
    checkKeySource(where, { issuer, jwks: platform.jwks, jwksUri: platform.jwksUri });
  }
}

/** Returns the first rule whose conditions the claims meet. Undefined if there is none. */
export function matchingRule(
  rules: readonly WorkloadRule[],
  claims: Readonly<Record<string, unknown>>,
): WorkloadRule | undefined {
  return rules.find((rule) =>
    Object.entries(rule.claims).every(([name, expected]) =>
      meetsCondition(expected, Object.hasOwn(claims, name) ? claims[name] : undefined),
    ),
  );
}

function meetsCondition(expected: ClaimCondition, actual: unknown): boolean {
  if (typeof expected === 'function') return expected(actual);
  if (typeof expected !== 'object') return actual === expected;
  return expected.some((each) => each === actual);
}
