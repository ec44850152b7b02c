export { idJagAuthorizationServerConfiguration } from './provider/configuration.ts';
export { idJagTokenClaims } from './provider/extra-token-claims.ts';
export type { ProviderConfigurationOptions } from './provider/machine-configuration.ts';
export type { IdJagGrantOptions, ResourceOptions } from './redeem/options.ts';
export { addIdJagGrant } from './provider/add-id-jag-grant.ts';
