/** The media type in a `typ` header: in lower case and without `application/`, which is optional (RFC 7515 section 4.1.9). */
export function mediaType(typ: unknown): string | undefined {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//u, '') : undefined;
}

/** Whether the list allows `alg`. `EdDSA` and `Ed25519` are two names of the same algorithm here (RFC 9864). */
export function allowsAlgorithm(allowed: readonly string[] | undefined, alg: string): boolean {
  if (allowed === undefined || allowed.includes(alg)) return true;
  return (alg === 'EdDSA' && allowed.includes('Ed25519')) || (alg === 'Ed25519' && allowed.includes('EdDSA'));
}
