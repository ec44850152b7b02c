import { TOKEN_TYPE_JWT } from '@credence/protocol';
import { fromGetter } from './from-getter.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/**
 * A subject token source for a JWT that the platform issues to the workload (CI job, Kubernetes service account, SPIFFE). The JWT
 * is the subject token at the IdP, or the assertion of `flow: 'workload-identity'`. `identity` names the workload; it is required
 * with a `store`.
 */
export function fromWorkloadToken(
  getter: TokenGetter,
  options: { identity?: string; type?: string } = {},
): SubjectTokenSource {
  return fromGetter('fromWorkloadToken', options.type ?? TOKEN_TYPE_JWT, getter, options.identity);
}
