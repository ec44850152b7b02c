/** What @credence/identity-provider shares with this package. Not for other importers: it may change in any release. */
export { type RefusedRequest, cleanRecord } from './grant/audit-record.ts';
export { calling, recording } from './grant/callback.ts';
export { withEntries } from './grant/metadata.ts';
export { type Parameters, parameter, parameterList, requiredParameter, scopeParameter } from './grant/parameters.ts';
export { serverFailure } from './grant/refusal.ts';
export { createSteps, type Settled, type Steps } from './grant/steps.ts';
export { type AuditedGrant, type Issued, registerAuditedGrant } from './provider/audited-grant.ts';
export { extendAnswers } from './provider/extend-answers.ts';
export { machineFeatures, machinesOnly, type ProviderConfigurationOptions } from './provider/machine-configuration.ts';
export type { ProviderInternals } from './provider/provider-internals.ts';
