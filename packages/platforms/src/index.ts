export type { Detection, Environment, Platform } from './platform.ts';
export { tokenFile, type TokenFileOptions } from './token-file.ts';
