import { TOKEN_TYPE_JWT } from '@credence/protocol';
import { isWorkloadTokenSource, type WorkloadTokenSource } from '../workload/workload-token-source.ts';
import { type WorkloadAudience, workloadAudience } from '../workload/audience.ts';
import { isReplacedFile, workloadToken } from '../workload/workload-token.ts';
import { fromGetter } from './from-getter.ts';
import type { SubjectTokenSource, TokenGetter } from './subject.ts';

/** Options of `fromWorkloadToken`. */
export interface WorkloadTokenOptions {
  /** The name of the workload, the same in each process of the bot. It is required with a `store`. */
  identity?: string;
  /** The `subject_token_type`. Default: `urn:ietf:params:oauth:token-type:jwt` (RFC 8693 section 3). */
  type?: string;
  /**
   * The audience that is requested from a platform. `issuer` (default): the configured issuer of the party that the token is sent to.
   * `token-endpoint`: the URL of its token endpoint (SEP-1933). Any other text is the audience itself. A function, and a platform with
   * a fixed audience, ignore it.
   */
  audience?: WorkloadAudience;
}

/**
 * A subject token source for a JWT that the platform issues to the workload (CI job, Kubernetes service account, SPIFFE), by a source
 * of `@credence/platforms` or by a function. The JWT is the subject token at the IdP, or the assertion of
 * `flow: 'workload-identity'`. The tokens of a platform are cached until shortly before their `exp`. A token that was read from a file
 * or a variable is read again after a minute, and used until its `exp` if that fails. A file without a usable token is read again until
 * the time limit of the acquisition. A function is called for each acquisition.
 */
export function fromWorkloadToken(
  source: TokenGetter | WorkloadTokenSource,
  options: WorkloadTokenOptions = {},
): SubjectTokenSource {
  const { identity = '', type = TOKEN_TYPE_JWT, audience } = options;
  if (!isWorkloadTokenSource(source)) return fromGetter('fromWorkloadToken', type, source, identity);
  return {
    kind: 'fromWorkloadToken',
    type,
    identity,
    perTarget: true,
    local: isReplacedFile(source),
    async get(context) {
      const { signal, target } = context;
      return workloadToken(source, { audience: await workloadAudience(audience, target), signal }, () =>
        context.nowMs(),
      );
    },
  };
}
