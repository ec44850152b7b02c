import { GrantRefusal } from '@credence/authorization-server';
import { decodeJwt } from 'jose';
import type { SigningKey } from './signing-key.ts';

/** The issuer of the tokens of the platform on which the bot runs, which the IdP and the authorization servers trust. */
const PLATFORM = 'https://platform.example';

/** A token of the platform for a workload. */
export interface WorkloadTokenOptions {
  readonly subject: string;
  /** The issuer that the token is for. */
  readonly audience: string;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly lifetimeSeconds: number;
}

/** Signs a token of the platform. */
export async function workloadToken(
  { subject, audience, claims, lifetimeSeconds }: WorkloadTokenOptions,
  key: SigningKey,
): Promise<string> {
  return key.sign('JWT', { ...claims, iss: PLATFORM, sub: subject, aud: audience }, lifetimeSeconds);
}

/** Whether the JWT says that it is a token of the platform. Not verified. */
export function isWorkloadToken(jwt: string): boolean {
  try {
    return decodeJwt(jwt).iss === PLATFORM;
  } catch {
    return false;
  }
}

/** The subject of a token of the platform for this audience. Throws GrantRefusal. */
export async function verifyWorkloadToken(jwt: string, audience: string, key: SigningKey): Promise<string> {
  try {
    const { sub } = await key.verify(jwt, { issuer: PLATFORM, audience });
    if (sub !== undefined) return sub;
  } catch {
    // The library's message can contain parts of the token.
  }
  throw new GrantRefusal('invalid_grant', `the token is not a valid one of the platform for ${audience}`);
}
