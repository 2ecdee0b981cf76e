

def test_the_deviation_of_a_bundle_is_that_of_its_noise() -> None:
    noise = NoiseModel.white(np.array([0.1, 0.2, 0.0]), np.array([0.001, 0.002, 0.003]))
    level = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = 2 * (0.1 * level.mean(dim=1, keepdim=True) + 0.002).sqrt()
    torch.testing.assert_close(NoiseDeviation(noise)(level, torch.tensor([2.0])), expected)
