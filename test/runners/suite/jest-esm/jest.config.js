export default { preset: '@credence/testing' };
