/** RFC 7515 section 4.1.9: a `typ` is a media type, compared without case, its `application/` optional. */
export function mediaType(typ: unknown): string | undefined {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//u, '') : undefined;
}

/** Whether an issuer's own list allows `alg`; the two names of EdDSA over Ed25519 stand for each other (RFC 9864). */
export function allowsAlgorithm(allowed: readonly string[] | undefined, alg: string): boolean {
  if (allowed === undefined || allowed.includes(alg)) return true;
  return (alg === 'EdDSA' && allowed.includes('Ed25519')) || (alg === 'Ed25519' && allowed.includes('EdDSA'));
}
