from restore.results.quantities import Quantity, quantity, register


def test_what_a_label_stands_for():
    assert quantity("psnr") == Quantity("psnr", "dB", 2)
    assert quantity("psnr").title_and_unit == "PSNR dB"
    assert quantity("ms_ssim").title == "MS-SSIM"
    assert quantity("lpips@0.1-7be5be79") == quantity("lpips")
    assert quantity("unheard_of") == Quantity("unheard_of", "", 4, True)


def test_values_in_words():
    assert quantity("psnr").with_unit(30.126) == "30.13 dB"
    assert quantity("ssim").with_unit(0.5, 2, "+") == "+0.50"
    assert quantity("ssim").caption(0.5) == "SSIM 0.5000"
    assert quantity("ssim").text(float("nan")) == "–"
    assert quantity("lpips").better(-0.1)
    assert not quantity("psnr").better(-0.1)


def test_a_metric_of_ones_own():
    register(Quantity("mae_of_a_test", "levels", 6, False))
    assert quantity("mae_of_a_test").stored_digits == 9
    assert quantity("mae_of_a_test@2").axis == "MAE-OF-A-TEST / levels"


def test_small_errors_are_stored_finely_enough_to_be_told_in_decibels():
    assert quantity("mse").stored_digits == 8
    assert quantity("psnr").stored_digits == 4
    assert quantity("psnr_of_mse").title == "PSNR of the mean MSE"
