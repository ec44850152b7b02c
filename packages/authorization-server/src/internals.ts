/**
 * What @credence/identity-provider shares with this package. Not for other importers: it may change in any release. Nothing
 * here names a type of oidc-provider, because declarations of @credence/identity-provider import it.
 */
export { type RefusedRequest, cleanRecord } from './grant/audit-record.ts';
export { calling, recording } from './grant/callback.ts';
export { withEntries } from './grant/metadata.ts';
export { type Parameters, parameter, parameterList, requiredParameter, scopeParameter } from './grant/parameters.ts';
export { serverFailure } from './grant/refusal.ts';
export { createSteps, type Settled, type Steps } from './grant/steps.ts';
export {
  type MachineFeatures,
  type ProviderConfigurationOptions,
  machineFeatures,
  machinesOnly,
} from './provider/machine-configuration.ts';
