import {
  DPOP_ALGORITHMS,
  type DpopOptions,
  GRANT_JWT_BEARER,
  GRANT_JWT_DPOP,
  GRANT_PROFILE_ID_JAG,
} from '@credence/protocol';
import { responseTypes, withEntries } from '../grant/metadata.ts';

/**
 * Adds to an authorization server's metadata (RFC 8414) the grant types and the grant profile for ID-JAGs, and with `dpop`
 * the algorithms of proofs. The trusted issuers are not added, because the draft forbids to publish them.
 *
 * `response_types_supported`, which is required, is `none` if `metadata` has neither it nor an `authorization_endpoint`. The MCP
 * SDKs refuse metadata without `authorization_endpoint`; add one if their clients are to redeem ID-JAGs here.
 *
 * Set `grant_types_supported` in `metadata`. Without it, the default of RFC 8414 section 2 (`authorization_code` and `implicit`)
 * is published as well.
 */
export function withIdJagMetadata(
  metadata: Readonly<Record<string, unknown>>,
  options: { readonly dpop?: Pick<DpopOptions, 'algorithms'> | undefined } = {},
): Record<string, unknown> {
  const { dpop } = options;
  const grantTypes = dpop === undefined ? [GRANT_JWT_BEARER] : [GRANT_JWT_BEARER, GRANT_JWT_DPOP];
  // RFC 8414 section 2: the default if the metadata has no such member.
  const present = metadata['grant_types_supported'] ?? ['authorization_code', 'implicit'];
  return {
    ...metadata,
    response_types_supported: responseTypes(metadata),
    grant_types_supported: withEntries(present, grantTypes),
    authorization_grant_profiles_supported: withEntries(metadata['authorization_grant_profiles_supported'], [
      GRANT_PROFILE_ID_JAG,
    ]),
    ...(dpop !== undefined && { dpop_signing_alg_values_supported: [...(dpop.algorithms ?? DPOP_ALGORITHMS)] }),
  };
}
