export { jestPreset, jestPreset as default, type JestPreset } from './jest/preset.ts';
