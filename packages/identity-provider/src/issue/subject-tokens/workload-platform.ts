import { checkKeySource, checkShape, type TrustedIssuer, unchecked } from '@credence/protocol';
import { z } from 'zod';
/**
 * What a claim must be: this value, one of these values, or what the function accepts. A claim that is absent is
 * `undefined` to the function and fails every other condition.
 */
export type ClaimCondition =
  string | number | boolean | readonly (string | number | boolean)[] | ((value: unknown) => boolean);

/** Which workloads of a platform are which principal. */
export interface WorkloadRule {
  /** The principal's client here. Only this client may present the workload's token. */
  readonly clientId: string;
  /**
   * All of these must hold; at least one is needed. A platform that the whole world runs on (GitHub Actions) issues
   * tokens to everybody: name what nobody else can have, `sub` or ids rather than names that can be registered again.
   */
  readonly claims: Readonly<Record<string, ClaimCondition>>;
}

/** A platform whose workload JWTs stand for service principals: GitHub Actions, Kubernetes, SPIFFE, a cloud. */
export interface WorkloadPlatform extends Pick<TrustedIssuer, 'jwks' | 'jwksUri' | 'algorithms'> {
  /** What `aud` must be, and be alone. Default: this provider's issuer identifier. */
  readonly audience?: string | undefined;
  /** Which workloads stand for which principals. One that no rule fits is refused. */
  readonly workloads: readonly WorkloadRule[];
  /** The longest life of a token that is accepted, in seconds. Default: one day. */
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
          .refine((claims) => Object.keys(claims).length > 0, 'a rule without conditions is everybody on the platform'),
      }),
    )
    .min(1),
  maxLifetimeSeconds: z.int().positive().optional(),
  algorithms: z.array(z.string()).min(1).optional(),
  jwks: unchecked,
  jwksUri: z.string().optional(),
});

/** Throws a TypeError for platforms that cannot be meant. */
export function checkWorkloadPlatforms(platforms: Readonly<Record<string, WorkloadPlatform>>, ownIssuer: string): void {
  for (const [issuer, platform] of Object.entries(platforms)) {
    if (issuer === ownIssuer) {
      // What this provider signs for others (ID-JAGs, access tokens) must never come back as a proof of who somebody is.
      throw new TypeError('addIdJagExchange: the provider cannot be a workload platform of itself');
    }
    const where = `addIdJagExchange: workloadPlatforms["${issuer}"]`;
    checkShape(where, platformSchema, platform);
    checkKeySource(where, { issuer, jwks: platform.jwks, jwksUri: platform.jwksUri });
  }
}

/** The first rule that all claims fit; undefined where there is none. */
export function matchingRule(
  rules: readonly WorkloadRule[],
  claims: Readonly<Record<string, unknown>>,
): WorkloadRule | undefined {
  return rules.find((rule) =>
    Object.entries(rule.claims).every(([name, wanted]) =>
      holds(wanted, Object.hasOwn(claims, name) ? claims[name] : undefined),
    ),
  );
}

function holds(wanted: ClaimCondition, actual: unknown): boolean {
  if (typeof wanted === 'function') return wanted(actual);
  if (typeof wanted !== 'object') return actual === wanted;
  return wanted.some((each) => each === actual);
}
