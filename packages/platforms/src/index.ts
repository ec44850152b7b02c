export { circleci, type CircleciOptions } from './circleci.ts';
export { githubActions, type GithubActionsOptions } from './github-actions.ts';
export { gitlab, type GitlabOptions } from './gitlab.ts';
export { kubernetes, type KubernetesOptions } from './kubernetes.ts';
export type { Detection, Environment, Platform } from './platform.ts';
export { terraformCloud, type TerraformCloudOptions } from './terraform-cloud.ts';
export { tokenCommand, type TokenCommandOptions } from './token-command.ts';
export { tokenFile, type TokenFileOptions } from './token-file.ts';
export { tokenUrl, type TokenUrlOptions } from './token-url.ts';
