/** The audience that is requested from a platform: a word for a part of the party that the token is sent to, or the audience itself. */
export type WorkloadAudience = 'issuer' | 'token-endpoint' | (string & {});

/** The audience as a text. Default: the issuer. */
export async function workloadAudience(
  audience: WorkloadAudience = 'issuer',
  target: { readonly issuer: string; tokenEndpoint(): Promise<string> },
): Promise<string> {
  if (audience === 'issuer') return target.issuer;
  return audience === 'token-endpoint' ? target.tokenEndpoint() : audience;
}
