import { TOKEN_TYPE_JWT } from '@credence/protocol';
import { fromGetter } from './from-getter.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/**
 * A JWT that the platform gives the workload (CI job, Kubernetes service account, SPIFFE): a subject token at the IdP, or
 * the assertion of `flow: 'workload-identity'`. `identity` names the workload; a `store` needs it.
 */
export function fromWorkloadToken(
  getter: TokenGetter,
  options: { identity?: string; type?: string } = {},
): SubjectTokenSource {
  return fromGetter('fromWorkloadToken', options.type ?? TOKEN_TYPE_JWT, getter, options.identity);
}
