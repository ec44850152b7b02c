import { IdJagError } from './error.ts';
import { type Claims, isObject, stringList } from './read-claim.ts';
import type { ClaimPath, EmailLinking, IdJag, TrustedIssuer } from './types.ts';

/** Exactly one `@`. No spaces, control or invisible characters, which could make different addresses look the same. */
const EMAIL = /^[^\s@\p{C}]+@(?<domain>[^\s@\p{C}]+)$/u;

/** Reads the claims that describe the subject further than `sub`, under the names that are configured for this issuer. */
export function readIdentity(
  claims: Claims,
  { claims: mapping = {}, linkByEmail }: TrustedIssuer,
  tenant: string | undefined,
): Pick<IdJag, 'groups' | 'roles' | 'email' | 'verifiedEmail'> {
  const groups = listAt(claims, mapping.groups ?? 'groups');
  const roles = listAt(claims, mapping.roles ?? 'roles');
  const email = valueAt(claims, mapping.email ?? 'email');
  const emailVerified = valueAt(claims, mapping.emailVerified ?? 'email_verified');
  if (email !== undefined && (typeof email !== 'string' || !EMAIL.test(email))) {
    throw new IdJagError('invalid_claim', 'email');
  }
  // OpenID Connect Core section 5.1: a boolean. The string "false" counts as true in a JavaScript condition.
  if (emailVerified !== undefined && typeof emailVerified !== 'boolean') {
    throw new IdJagError('invalid_claim', 'email_verified');
  }
  const verifiedEmail =
    email === undefined || linkByEmail === undefined
      ? undefined
      : verifiedAddress(
          email,
          emailVerified ?? linkByEmail.withoutEmailVerified ?? false,
          domainsOf(linkByEmail, tenant),
        );
  return { groups, roles, email, verifiedEmail };
}

const NONE: readonly string[] = Object.freeze([]);

function domainsOf({ domains }: EmailLinking, tenant: string | undefined): readonly string[] {
  if (isList(domains)) return domains;
  return (tenant !== undefined && Object.hasOwn(domains, tenant) ? domains[tenant] : undefined) ?? NONE;
}

/** A type guard, because TypeScript does not narrow a read-only list by `Array.isArray`. */
function isList(value: EmailLinking['domains']): value is readonly string[] {
  return Array.isArray(value);
}

function verifiedAddress(email: string, isVerified: boolean, domains: readonly string[]): string | undefined {
  if (!isVerified) return undefined;
  const domain = EMAIL.exec(email)?.groups?.['domain']?.toLowerCase();
  if (domain === undefined || !domains.some((each) => each.toLowerCase() === domain)) return undefined;
  return `${email.slice(0, email.indexOf('@'))}@${domain}`;
}

function listAt(claims: Claims, path: ClaimPath): readonly string[] {
  const value = valueAt(claims, path);
  return value === undefined ? NONE : [...new Set(stringList(value, nameOf(path)))];
}

function valueAt(claims: Claims, path: ClaimPath): unknown {
  if (typeof path === 'string') return Object.hasOwn(claims, path) ? claims[path] : undefined;
  let value: unknown = claims;
  for (const name of path) {
    if (value === undefined) return undefined;
    if (!isObject(value)) throw new IdJagError('invalid_claim', nameOf(path));
    value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function nameOf(path: ClaimPath): string {
  return typeof path === 'string' ? path : path.join('.');
}
