/**
 * Code that @credence/identity-provider and @credence/testing share with this package. The code may change in any release, so no
 * other package may import it. Nothing here uses a type of oidc-provider, because the declarations of @credence/identity-provider import this
 * file.
 */
export { type RefusedRequest, cleanRecord } from './grant/audit-record.ts';
export { callAudit, callCallback } from './grant/callback.ts';
export { presentedClient } from './grant/client-credentials.ts';
export { withEntries } from './grant/metadata.ts';
export { type Parameters, parameter, parameterList, requiredParameter, scopeParameter } from './grant/parameters.ts';
export { serverFailure } from './grant/refusal.ts';
export type { RequestSecrets } from './grant/request-secrets.ts';
export { type AuditedSteps, createAuditedSteps, type StepsOutcome } from './grant/steps.ts';
export {
  type MachineFeatures,
  type ProviderConfigurationOptions,
  machineFeatures,
  machinesOnly,
} from './provider/machine-configuration.ts';
