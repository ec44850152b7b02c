import { posix } from 'node:path';
import { z } from 'zod';
import { incomplete } from './errors.ts';
import { checkOptions, text } from './options.ts';
import type { Platform } from './platform.ts';
import { fileSource } from './token-file.ts';

/** Options of `kubernetes`. */
export interface KubernetesOptions {
  /** The path of the projected token. Default: `/var/run/secrets/tokens/credence`. */
  file?: string;
}

const schema = z.strictObject({ file: text.optional() });
const DEFAULT_FILE = '/var/run/secrets/tokens/credence';
/** Where Kubernetes mounts the token for its own API. */
const CLUSTER_TOKEN_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
const REMEDY =
  'Add a projected volume with a serviceAccountToken to the pod: audience is the issuer that the token is sent to, and path is the name of the file.';

/**
 * A projected service account token, which the kubelet writes to a file and replaces before it expires (when 80 % of its lifetime or
 * 24 hours have passed). The pod's specification sets the audience. `iss` is the issuer of the cluster
 * (`--service-account-issuer`) and `sub` is `system:serviceaccount:NAMESPACE:NAME`.
 *
 * The token that Kubernetes mounts by default is for the API server of the cluster, and everybody who gets it can use that API as
 * the pod. So a path in its folder throws `invalid_configuration`.
 *
 * @example
 * <!-- from examples/kubernetes.ts#bot -->
 * ```ts
 * issues: {
 *   url,
 *   issuer, // the `audience` of the serviceAccountToken in the pod's specification
 *   flow: 'workload-identity',
 *   credential: noClientAuth(),
 *   assertion: fromWorkloadToken(kubernetes({ file })),
 * },
 * ```
 */
export function kubernetes(options: KubernetesOptions = {}): Platform {
  checkOptions('kubernetes', schema, options);
  const { file = DEFAULT_FILE } = options;
  if (posix.normalize(file.replace(/^\/run\//u, '/var/run/')).startsWith(`${CLUSTER_TOKEN_FOLDER}/`)) {
    throw incomplete(
      'kubernetes',
      `the default service account token has a fixed audience, the API server of the cluster, and gives access to it.`,
      `${REMEDY} Set kubernetes({ file }) to its path.`,
    );
  }
  return fileSource({
    platform: 'kubernetes',
    file,
    claims: {
      iss: 'the issuer of the cluster, such as https://oidc.eks.REGION.amazonaws.com/id/ID (kubectl get --raw /.well-known/openid-configuration)',
      sub: 'system:serviceaccount:NAMESPACE:NAME',
    },
    absent: ` ${REMEDY} The default service account token is not used: its audience is the API server of the cluster.`,
  });
}
